"""The invariant itself: it names what is broken, and blames no busy machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.host_weather.invariant import MAX_LAG, Observed, faults
from tests.host_weather.journal import Moment, count, lag
from tests.host_weather.season import pairs
from tests.host_weather.service import EVERY, MODULES
from tests.host_weather.table import WEATHERS
from tests.host_weather.weather import Promise

PROMISE = Promise(reaches_other=True)
GOOD: dict[str, Any] = {"arrival": 0.5, "arrival_at_other": 0.5}


def write_journal(directory: Path, *runs: tuple[float, float]) -> None:
    lines = (json.dumps({"pid": 1, "at": at, "waited": waited}) for at, waited in runs)
    (directory / "a.journal").write_text("\n".join(lines), encoding="ascii")


def test_a_run_that_comes_late_is_lag(tmp_path: Path) -> None:
    write_journal(tmp_path, (1.0, 0.0), (1.0 + EVERY, 0.0), (5.0, 0.0))

    assert pytest.approx(4.0 - 2 * EVERY) == lag(tmp_path, {1: Moment(1, 5.1, 0.0)})


def test_the_time_without_a_processor_is_not_lag(tmp_path: Path) -> None:
    write_journal(tmp_path, (1.0, 0.0), (5.0, 3.5))

    assert lag(tmp_path, {1: Moment(1, 5.1, 3.5)}) <= EVERY


def test_a_module_that_runs_no_more_is_late_at_the_end(tmp_path: Path) -> None:
    write_journal(tmp_path, (1.0, 0.0))

    assert lag(tmp_path, {1: Moment(1, 9.0, 0.0)}) > MAX_LAG


def test_a_start_has_come_to_the_first_runs_when_each_module_has_run(tmp_path: Path) -> None:
    for module in MODULES:
        assert count(tmp_path, 1) == 0

        (tmp_path / f"{module}.journal").write_text('{"pid": 1, "at": 1.0, "waited": 0.0}\n')

    assert count(tmp_path, 1) == 1


def test_what_keeps_every_promise_has_no_fault() -> None:
    assert faults(Observed(**GOOD), PROMISE) == []


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ({"ready": False}, "start"),
        ({"lag": 1.1}, "lag"),
        ({"arrival": None}, "arrival"),
        ({"arrival": 21.0}, "arrival"),
        ({"arrival_at_other": 21.0}, "other peer"),
        ({"silent": 1}, "status"),
        ({"answer": 21.0}, "status"),
        ({"unsaid": {"LedgerCorrupt"}}, "was not said"),
        ({"said_wrongly": {"LedgerCorrupt"}}, "was said"),
        ({"catch_up": None}, "after"),
        ({"damage": "malformed"}, "malformed"),
        ({"missing": {"during"}}, "lacks during"),
        ({"unresolved": {"during"}}, "never resolved"),
        ({"stop": 10.0}, "stop"),
        ({"code": 1}, "exit code"),
        ({"left": {1: "sleep"}}, "left"),
    ],
)
def test_a_broken_promise_is_named(seen: dict[str, Any], word: str) -> None:
    (fault,) = faults(Observed(**(GOOD | seen)), PROMISE)

    assert word in fault


def test_the_seed_alone_decides_which_weathers_come_together() -> None:
    weathers = list(WEATHERS.values())
    chosen = [weather.name for weather in pairs(weathers, 1, 20)]

    assert chosen == [weather.name for weather in pairs(weathers, 1, 20)]
    assert chosen != [weather.name for weather in pairs(weathers, 2, 20)]
    assert 20 == len(set(chosen))
