"""Other parameters at other times: which count when a run begins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve, frozen
from trio.testing import MockClock

from checks.session import Params as Session
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.current import CurrentConfig
from supervisor.config.limits.limit import Limit
from supervisor.config.load import load_service
from supervisor.config.service import During, Module
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.during import params_at
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check, load_check
from supervisor.observations import Duration, Measurement
from tests.support.ledger_bench import service_of
from tests.support.virtual_clock import VirtualClock

SEOUL = ZoneInfo("Asia/Seoul")


@frozen
class Params:
    most: int


NIGHT = During(("23:00-05:00",), params=Params(100))
WEEKEND = During(
    ("Sat,Sun 00:00-23:59",),
    (Calendar(Path("kr.toml"), {date(2026, 11, 29): "a day of work"}),),
    params=Params(50),
)
MODULE = Module("fake", "fake", every=Duration(60), params=Params(10), during=(NIGHT, WEEKEND))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp()


@pytest.mark.parametrize(
    ("when", "most"),
    [
        ("2026-11-27 22:59:59", 10),
        ("2026-11-27 23:00:00", 100),
        ("2026-11-28 04:59:59", 100),
        ("2026-11-28 05:00:00", 50),
        ("2026-11-28 23:30:00", 100),
        ("2026-11-29 12:00:00", 10),
    ],
)
def test_the_first_table_that_fits_counts_and_else_the_modules_own(when: str, most: int) -> None:
    assert params_at(MODULE, SEOUL, at(when)) == Params(most)


async def look(_context: Context, params: Params) -> Iterable[Measurement]:
    return [Measurement("most", params.most)]


@pytest.mark.parametrize(("when", "most"), [("12:00", 10), ("23:30", 100)])
def test_a_run_gets_the_parameters_of_its_beginning(when: str, most: int) -> None:
    service = service_of(MODULE)
    context_factory = ContextFactory(
        VirtualClock(at(f"2026-11-27 {when}")), Store(CurrentConfig(service))
    )

    async def main() -> float:
        check = Check("fake", Params, look, "")
        run = await execute(MODULE, check, context_factory.context(MODULE), 0.0)
        (seen,) = run.observations
        assert isinstance(seen, Measurement)
        return seen.value

    assert trio.run(main, clock=MockClock()) == most


def test_a_table_changes_the_parameters_that_it_names_alone(tmp_path: Path) -> None:
    path = tmp_path / "X.toml"
    path.write_text(
        """
service = "X"
[[modules]]
check = "session"
every = "1m"
[modules.params]
max_total = 10
sessions = [{ name = "web", port = 7000, limit = 5 }]
[[modules.during]]
at = ["23:00-05:00"]
[modules.during.params]
max_total = 100
""",
        encoding="utf-8",
    )

    (module,) = load_service(path, lambda check: load_check(check).params).modules

    (table,) = module.during
    assert isinstance(module.params, Session)
    assert table.params == evolve(module.params, max_total=Limit.of(100))
