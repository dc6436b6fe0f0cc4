"""`log_pattern` with a pattern of paths: bounds of what one run reads, keeps and takes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import trio
from attrs import evolve

from checks._logs.parameters import Log
from checks._logs.patterns import finding, reading
from checks._logs.patterns.places import MAX_STATE_BYTES
from checks.log_pattern import run
from supervisor.api import Condition, Measurement
from tests.checks._logs.patterns.watching import lines, logs, watch
from tests.checks.log_pattern_bench import Watch, append

__all__ = ["logs"]  # a fixture


def test_the_files_that_were_written_to_last_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_FILES", 3)
    monkeypatch.setattr(finding, "MAX_FILES", 4)
    for number in range(6):
        append(tmp_path / f"{number}.log", "ERROR old\n")
        os.utime(tmp_path / f"{number}.log", (number, number))
    watched = watch(tmp_path)
    watched.context = evolve(watched.context, clock=lambda: 100.0)
    first = watched.look_now()
    append(tmp_path / "5.log", "ERROR 1\n")
    second = lines(watched)
    for number in range(6):
        append(tmp_path / f"{number}.log", "ERROR 2\n")
        os.utime(tmp_path / f"{number}.log", (200 + number, 200 + number))
    (told, left_out) = watched.look_now()

    assert first == []
    assert second == ["ERROR 1"]
    assert told.message.startswith("3 lines in 3 files")
    assert isinstance(left_out, Condition)
    assert (left_out.alertname, left_out.event_type) == ("Log files left out", "W")
    assert left_out.message.startswith("6 files fit ")
    assert "3 files that are not read were written to since the last run" in left_out.message


def test_the_state_and_the_bytes_of_a_run_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(400):
        (tmp_path / f"{'시간' * 30}-{number}.log").write_text("ERROR\n" * 20_000, encoding="utf-8")
    monkeypatch.setattr("checks.log_pattern.MAX_BYTES_PER_RUN", 1 << 18)
    watched = Watch(*(Log(f"{tmp_path}/*{n}.log", "ERROR", from_start=True) for n in range(10)))
    found = trio.run(watched.look)

    counts = [int(each.message.split(" ")[0].replace(",", "")) for each in found]
    assert max(counts) * len("ERROR\n") < 3 << 18
    assert len(json.dumps(watched.context.state)) < MAX_STATE_BYTES


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(10_000):
        (tmp_path / f"{number}.log").touch()
    return tmp_path


async def test_ten_thousand_files_hold_up_nothing_else(many: Path) -> None:
    """Every async test fails when one step of a task blocks the event loop."""
    watched = watch(many)

    for _ in range(3):
        assert await watched.look() == []


def test_a_log_that_grows_without_end_is_read_bit_by_bit(logs: Path) -> None:
    watched = watch(logs)
    watched.look_now()
    found = list[object]()

    async def look() -> None:
        watched.context = evolve(watched.context, state=dict(watched.context.state))
        found.extend(await run(watched.context, watched.params))

    append(logs / "a.log", "ERROR\n")
    trio.run(look)
    measured = {each.name: each.value for each in found if isinstance(each, Measurement)}

    assert measured == {"log_matching_lines": 1, "log_unread_bytes": 0}
