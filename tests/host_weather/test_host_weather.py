"""A short season of bad weather for real processes; `scripts/bench host_weather` is long."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from tests.host_weather import service
from tests.host_weather.season import Result, endure, pairs
from tests.host_weather.subject import Subject, processes_of
from tests.host_weather.switches import Switches, compile_shim
from tests.host_weather.table import WEATHERS

pytestmark = pytest.mark.timeout(300)  # a busy machine is allowed for

AT_ONCE = 10
"""Supervisors at the same time. Most of the time they wait, as this test does."""

SEED = 7
"""Decides which weathers come together."""

# Those that take longest come first.
SHORT = [
    WEATHERS[name]
    for name in (
        "fsync: hangs for good",
        "no thread",
        "secret: its mount hangs",
        "secret: a FIFO, then a reload",
        "secret: a FIFO from the start",
        "fsync: EIO",
        "fsync: takes 2 s",
        "names hang",
        "no descriptor: EMFILE",
        "ledger: removed",
        "ledger: an older copy in its place",
        "log: not read",
        "log: its reader is gone",
        "log: on a full disk",
        "date: wanders",
        "clock: an hour back",
    )
]
"""At least one of each kind."""

ALL = {weather.name: weather for weather in [*SHORT, *pairs(SHORT[2:], SEED, 2)]}
"""The weathers of this test by name. In the pairs nothing lasts as long as the first two."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_shim(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Result]:
    """Let all weathers come that this run of the tests asks for, many at the same time."""
    asked = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_it_holds_in.__name__
    }
    weathers = [weather for name, weather in ALL.items() if name in asked]
    directory = tmp_path_factory.mktemp("weather")
    found = trio.run(endure, weathers, library, directory, AT_ONCE)
    return {result.weather.name: result for result in found}


@pytest.mark.parametrize("name", ALL)
def test_it_holds_in(results: Mapping[str, Result], name: str) -> None:
    result = results[name]

    assert [] == result.faults, f"{result.seen}\n{result.log[-4000:]}"


async def test_without_a_thread_at_the_start_it_says_so_and_ends(
    tmp_path: Path, library: Path
) -> None:
    tag = "47.0"
    switches = Switches(library, tmp_path / "switches")
    service.write(tmp_path, ["http://127.0.0.1:9"], tag, secret=False)
    switches.set(thread_error=errno.EAGAIN)
    async with trio.open_nursery() as nursery:
        subject = Subject(tmp_path, switches, tag, nursery)
        await subject.start()
        code, _ = await subject.stop()

    assert code == 1
    assert "can't start new thread; look at TasksMax= of the service" in subject.log
    assert processes_of(f"--state-dir={subject.state}") == {}
