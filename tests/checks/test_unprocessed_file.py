"""The `unprocessed_file` check on real files: which count, and how they are shown."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime
from pathlib import Path

import trio
from attrs import evolve
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markupsafe import escape

from checks._common.printable import shown
from checks.unprocessed_file import Directory, Params
from supervisor.alerts import sanitize
from supervisor.api import Duration, Limit
from tests.checks.unprocessed_bench import NOW, OLD, TEN_MINUTES, conditions, look, put
from tests.support.check_context import context


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


async def test_a_table_of_limits_judges_the_oldest_file(tmp_path: Path) -> None:
    limit = Limit((("W", Duration(600)), ("E", Duration(3600))), Duration(300))
    params, found = Params((Directory(str(tmp_path), limit),)), []
    for age in (300, 301, 601, 3601):
        put(tmp_path, "file", NOW - age)
        seen = await conditions(params)
        found.append([(item.event_type, item.sustain) for item in seen])

    assert found == [[], [("W", True)], [("W", False)], [("E", False)]]
    assert seen[0].message == (
        f"{tmp_path} holds 1 file older than 5 min; the oldest, file, is over 1 h old"
    )


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


@given(st.binary(min_size=1, max_size=255).filter(lambda name: not {*b"/\0"} & {*name}))
@example(b"\xff<script>alert(1)")
@example(b"\x1b[31m\r\n\x7f")
@example(b"<img src='x' onerror=\"raw()\">&amp;")
@example("\u202egnp.exe \u200b\ue000".encode())
@example(b"{{ 7 * 7 }}{% raw %}")
@settings(deadline=None, max_examples=40)
def test_any_name_is_shown_safely(name: bytes) -> None:
    assume(name not in (b".", b".."))
    with tempfile.TemporaryDirectory() as directory:
        put(Path(directory), name)
        (condition,) = trio.run(look, Path(directory))

    assert sanitize.clean_observation(condition) == condition
    assert (condition.message + condition.detail.replace("\n", "")).isprintable()
    assert f">{escape(shown(os.fsdecode(name)))}</td>" in condition.detail


async def test_a_directory_may_have_any_letters_and_spaces_in_its_name(tmp_path: Path) -> None:
    put(tmp_path / "수신\u3000함\u00a0x", "old.xml")
    (condition,) = await look(tmp_path / "수신\u3000함\u00a0x")

    assert condition.message.startswith(rf"{tmp_path}/수신\u3000함\xa0x holds 1 file")


async def test_a_file_that_was_moved_in_with_its_old_time_waits_since_the_move(
    tmp_path: Path,
) -> None:
    inbound = tmp_path / "in"
    inbound.mkdir()
    put(tmp_path, "moved.xml", OLD)
    (tmp_path / "moved.xml").rename(inbound / "moved.xml")
    moved = time.time()
    params = Params((Directory(str(inbound), Limit.of(Duration(600)), age_by="change"),))

    (early,) = await conditions(
        evolve(params, directories=(Directory(str(inbound), TEN_MINUTES),)), moved
    )
    soon = await conditions(params, moved + 500)
    (late,) = await conditions(params, moved + 660)

    assert early.message.startswith(f"{inbound} holds 1 file older than 10 min; the oldest")
    assert soon == []
    assert late.message.endswith("the oldest, moved.xml, is over 10 min old")
    assert f"{datetime.fromtimestamp(moved, context().timezone):%Y-%m-%d %H:%M}" in late.detail
