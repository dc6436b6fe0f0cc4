"""The `unprocessed_file` check on real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from attrs import evolve

from checks.unprocessed_file import Directory, Params, run
from supervisor.api import Condition, Duration
from tests.commands import context

NOW = 1_000_000_000.0
OLD = NOW - 7200.0


def put(directory: Path, name: str | bytes, moment: float = OLD) -> None:
    path = os.path.join(os.fsencode(directory), os.fsencode(name))
    with open(path, "wb"):
        os.utime(path, (moment, moment))


async def look(directory: Path) -> list[Condition]:
    params = Params((Directory(str(directory), Duration(600)),))
    now = evolve(context(), clock=lambda: NOW)
    return [item for item in await run(now, params) if isinstance(item, Condition)]


async def test_old_files_fire_and_resolve(tmp_path: Path) -> None:
    put(tmp_path, "old.xml")
    put(tmp_path, "older.xml", NOW - 14400.0)
    put(tmp_path, "fresh.xml", NOW - 60.0)
    put(tmp_path, "of tomorrow.xml", NOW + 86400.0)
    (condition,) = await look(tmp_path)

    assert (condition.alertname, condition.event_type, condition.instance) == (
        "Unprocessed files",
        "W",
        str(tmp_path),
    )
    assert "2" in condition.message
    assert "older.xml" in condition.message
    assert "fresh.xml" not in condition.detail

    (tmp_path / "old.xml").unlink()
    (tmp_path / "older.xml").unlink()
    assert await look(tmp_path) == []


async def test_only_regular_files_directly_in_the_directory_count(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    put(tmp_path / "sub", "old.xml")
    os.utime(tmp_path / "sub", (OLD, OLD))
    (tmp_path / "link").symlink_to(tmp_path / "sub" / "old.xml")

    assert await look(tmp_path) == []


async def test_names_are_shown_safely(tmp_path: Path) -> None:
    put(tmp_path, b"\xff<b>evil<b>\n.xml")
    (condition,) = await look(tmp_path)

    assert "<b>evil" not in condition.detail
    assert "&lt;b&gt;evil" in condition.detail
    assert "\n" not in condition.message
    condition.message.encode()


async def test_the_detail_lists_the_fifty_oldest(tmp_path: Path) -> None:
    for number in range(60):
        put(tmp_path, f"f{number:02}.xml", OLD + number)
    (condition,) = await look(tmp_path)

    assert "f49.xml" in condition.detail
    assert "f50.xml" not in condition.detail
    assert "and 10 more" in condition.detail


@pytest.mark.parametrize("kind", ["missing", "file"])
async def test_a_directory_that_cannot_be_read_is_a_condition(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        path.touch()
    (condition,) = await look(path)

    assert (condition.alertname, condition.event_type, condition.instance) == (
        "Directory unreadable",
        "E",
        str(path),
    )


async def test_many_files_do_not_hold_up_the_others(tmp_path: Path) -> None:
    for number in range(20_000):
        put(tmp_path, str(number))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await trio.sleep(0.001)
            ticks += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        (condition,) = await look(tmp_path)
        nursery.cancel_scope.cancel()

    assert "20,000" in condition.message or "20000" in condition.message
    assert ticks > 5
