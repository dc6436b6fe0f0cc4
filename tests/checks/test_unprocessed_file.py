"""The `unprocessed_file` check on real files."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import trio
from attrs import evolve
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markupsafe import escape

from checks._common.plurals import counted
from checks._common.printable import shown
from checks.unprocessed_file import Directory, Params, run
from supervisor.alerts import sanitize
from supervisor.api import Condition, Duration, Limit, Measurement
from supervisor.host.threads import abandoned_threads
from tests.support.check_context import context
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import hung, needs_root, tmpfs

NOW = 1_000_000_000.0
OLD = NOW - 7200.0
TEN_MINUTES = Limit.of(Duration(600))


def put(directory: Path, name: str | bytes, moment: float = OLD) -> None:
    directory.mkdir(exist_ok=True)
    path = os.path.join(os.fsencode(directory), os.fsencode(name))
    with open(path, "wb"):
        os.utime(path, (moment, moment))


async def look(directory: Path, now: float = NOW) -> list[Condition]:
    return await conditions(Params((Directory(str(directory), Limit.of(Duration(600))),)), now)


async def conditions(params: Params, now: float = NOW) -> list[Condition]:
    then = evolve(context(), clock=lambda: now)
    return [item for item in await run(then, params) if isinstance(item, Condition)]


def identities(seen: list[Condition]) -> list[tuple[str, str]]:
    return [(condition.alertname, condition.instance) for condition in seen]


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


class Scandir:
    """os.scandir(3) that lets something happen before a certain entry is given."""

    def __init__(self, at: int, happen: Callable[[os.DirEntry[str]], object]) -> None:
        self.at, self.happen, self.real = at, happen, os.scandir

    @contextlib.contextmanager
    def __call__(self, path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with self.real(path) as entries:
            yield map(self._given, itertools.count(), entries)

    def _given(self, number: int, entry: os.DirEntry[str]) -> os.DirEntry[str]:
        if number == self.at:
            self.happen(entry)
        return entry


@pytest.mark.may_block("it makes and removes the files itself")
@needs_root
async def test_a_hundred_thousand_files_do_not_delay_other_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway, moved_on = trio.Event(), threading.Event()

    def wait_for_the_other(_: object) -> None:
        trio.from_thread.run_sync(halfway.set)
        assert moved_on.wait(60)

    async def other() -> None:
        await halfway.wait()
        moved_on.set()

    with tmpfs(tmp_path / "many", "nr_inodes=100010") as directory:
        here = os.open(directory, os.O_RDONLY)
        for number in range(100_000):
            os.mknod(f"{number:06}.xml", 0o600, dir_fd=here)
        os.utime("031415.xml", (OLD, OLD), dir_fd=here)
        os.close(here)
        with monkeypatch.context() as patched:
            patched.setattr(os, "scandir", Scandir(50_000, wait_for_the_other))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(other)
                (condition,) = await look(directory, now=time.time() + 7200)

    expected = f"{directory} holds 100,000 files older than 10 min; the oldest, 031415.xml, is"
    assert condition.message.startswith(expected)
    assert "and 99,950 more" in condition.detail


async def test_a_file_that_vanishes_while_it_is_listed_is_not_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        put(tmp_path, f"{number}.xml")
    monkeypatch.setattr(os, "scandir", Scandir(5, os.unlink))
    (condition,) = await look(tmp_path)

    assert f"{tmp_path} holds 9 files" in condition.message


async def test_a_directory_that_changes_while_it_is_read_is_read(tmp_path: Path) -> None:
    put(tmp_path, "stays.xml")
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            for number in range(20):
                put(tmp_path, f"{number}.xml")
            for number in range(20):
                (tmp_path / f"{number}.xml").unlink()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, work)
        seen = [await look(tmp_path) for _ in range(100)]
        ended.set()

    assert {condition.alertname for (condition,) in seen} == {"Unprocessed files"}


READ = """
import json, os, sys, trio
from attrs import asdict
from checks.unprocessed_file import Directory, Params, run
from supervisor.api import Limit
from tests.support.check_context import context
params = Params(tuple(Directory(path, Limit.of(600.0)) for path in sys.argv[1:]))
trio.run(run, context(), params)  # imports all that it needs while it has the rights
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps([asdict(item) for item in trio.run(run, context(), params)]))
"""


def test_a_directory_of_another_user_is_unreadable_until_it_is_opened() -> None:
    def seen_by_another() -> dict[str, str]:
        """Return the messages that a user without rights gets about the directories."""
        argv = [sys.executable, "-c", READ, *map(str, directories)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        observed = [item for item in json.loads(done.stdout) if "message" in item]
        return {item["instance"]: item["message"] for item in observed}

    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)  # noqa: S103  # the directory of the tests is closed to other users
        directories = [Path(parent, name) for name in ("closed", "listed", "entered", "open")]
        for directory, mode in zip(directories, (0o000, 0o444, 0o111, 0o755), strict=True):
            directory.mkdir()
            put(directory, "a.xml", -1000.0)
            directory.chmod(mode)
        closed = seen_by_another()
        for directory in directories:
            directory.chmod(0o755)
        opened = seen_by_another()

    refused = {
        str(path): f"cannot read {path}: Permission denied"
        for path in directories
        if path.name != "open"
    }
    judged = {str(path): f"{path} holds 1 file older than 10 min" for path in directories}
    assert {path: message for path, message in closed.items() if path in refused} == refused
    assert {path: message.partition(";")[0] for path, message in opened.items()} == judged


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_directory_that_hangs_is_unreadable_and_does_not_delay_the_others(
    tmp_path: Path,
) -> None:
    put(tmp_path / "good", "a.xml")
    good, gone, stuck = (str(tmp_path / name) for name in ("good", "gone", "hung"))

    async def seen(within: float) -> list[Condition]:
        paths = (Directory(path, Limit.of(Duration(600))) for path in (stuck, good, gone))
        return await conditions(Params(tuple(paths), Duration(within)))

    with hung(tmp_path / "good", tmp_path / "hung") as process:
        with trio.fail_after(20):
            first = await seen(0.5)
        assert abandoned_threads() == 1
        with trio.fail_after(20):  # while one call hangs, no other is made
            second = await seen(60)
        assert abandoned_threads() == 1
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        answered = await seen(20)

    message = f"cannot read {stuck}: no answer within 0.5 s"
    assert first[0] == Condition("Directory unreadable", "E", stuck, message)
    unreadable = [("Directory unreadable", stuck), ("Unprocessed files", good)]
    unreadable.append(("Directory unreadable", gone))
    assert identities(first) == identities(second) == unreadable
    assert identities(answered) == [("Unprocessed files", stuck), *unreadable[1:]]


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_module_that_runs_out_of_time_leaves_no_second_thread_behind(
    tmp_path: Path,
) -> None:
    with hung(tmp_path / "source", tmp_path / "hung"):
        with trio.move_on_after(0.2) as given:
            await look(tmp_path / "hung")
        (condition,) = await look(tmp_path / "hung")
        counted = abandoned_threads()
    await until_no_thread_hangs()

    assert given.cancelled_caught
    assert condition.alertname == "Directory unreadable"
    assert counted == 1


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


@pytest.mark.parametrize("directory", ["", "/srv/in\nbound", "/srv/\0", "/srv/in\u2028bound"])
def test_a_path_that_is_not_printable_is_refused(directory: str) -> None:
    with pytest.raises(ValueError, match=r"is not a directory; write for example '/srv/inbound'$"):
        Directory(directory, Limit.of(Duration(600)))


def test_a_directory_given_twice_or_no_time_is_refused() -> None:
    one, same = (
        Directory("/srv/in", Limit.of(Duration(1))),
        Directory("/srv/./in/", Limit.of(Duration(2))),
    )
    with pytest.raises(
        ValueError,
        match=r"^has /srv/in more than once; keep one of them, or give each its own name$",
    ):
        Params((one, same))
    with pytest.raises(ValueError, match=r"^is 0 or less; write for example '10s'$"):
        Params((one,), Duration(0))
    with pytest.raises(ValueError, match=r"^is empty; write for example 'E'$"):
        Directory("/srv/in", Limit.of(Duration(1)), " ")


class _BadEntry:
    """An entry of a directory on a disk with errors."""

    name = "bad.xml"

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return not follow_symlinks

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


async def test_a_file_that_cannot_be_looked_at_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "old.xml")
    with os.scandir(tmp_path) as listed:
        entries = [_BadEntry(), *listed, _BadEntry()]
    monkeypatch.setattr(os, "scandir", lambda _path: contextlib.nullcontext(entries))
    waiting, unreadable = await look(tmp_path)
    entries[1:2] = []
    (nothing,) = await look(tmp_path)

    assert waiting.message.startswith(f"{tmp_path} holds 1 file older than 10 min")
    assert unreadable.message == f"cannot read 2 files in {tmp_path}: Input/output error"
    assert nothing.message == f"cannot read {tmp_path}: Input/output error"
    assert identities([unreadable, nothing]) == [("Directory unreadable", str(tmp_path))] * 2


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


@pytest.mark.parametrize(
    ("patterns", "excepted", "waiting"),
    [
        ((), (), {"a.xml", "b.XML", ".c.xml", "d.tmp", "e[1].xml", "\udcff.xml"}),
        (("*.xml",), (), {"a.xml", ".c.xml", "e[1].xml", "\udcff.xml"}),
        (("*.xml", "*.XML"), (".*", "\udcff*"), {"a.xml", "b.XML", "e[1].xml"}),
        (("?.xml",), (), {"a.xml", "\udcff.xml"}),
        (("e[[]1].xml", "[!ab].tmp"), (), {"e[1].xml", "d.tmp"}),
        ((), ("*.tmp", "*.xml"), {"b.XML"}),
        (("nothing",), (), set()),
    ],
)
async def test_only_names_that_fit_a_pattern_count(
    tmp_path: Path, patterns: tuple[str, ...], excepted: tuple[str, ...], waiting: set[str]
) -> None:
    for name in ("a.xml", "b.XML", ".c.xml", "d.tmp", "e[1].xml", "\udcff.xml"):
        put(tmp_path, name)
    directory = Directory(str(tmp_path), TEN_MINUTES, patterns=patterns, except_=excepted)
    seen = await conditions(Params((directory,)))

    assert [item.message.split(" older")[0] for item in seen] == (
        [f"{tmp_path} holds {counted(len(waiting), 'file')}"] if waiting else []
    )
    assert all(f">{escape(shown(name))}</td>" in seen[0].detail for name in waiting)


async def test_one_directory_may_have_an_entry_for_each_kind_of_file(tmp_path: Path) -> None:
    put(tmp_path, "a.xml")
    put(tmp_path, "b.pdf")
    kinds = tuple(
        Directory(str(tmp_path), TEN_MINUTES, kind, patterns=(f"*.{kind}",), name=f"{kind} files")
        for kind in ("xml", "pdf")
    )
    observed = [*await run(evolve(context(), clock=lambda: NOW), Params(kinds))]
    fired = [item for item in observed if isinstance(item, Condition)]
    measured = [item for item in observed if isinstance(item, Measurement)]

    assert [(item.instance, item.event_type) for item in fired] == [
        ("xml files", "xml"),
        ("pdf files", "pdf"),
    ]
    assert [(item.value, item.labels["name"]) for item in measured] == [
        (1, "xml files"),
        (1, "pdf files"),
    ]


@pytest.mark.parametrize("pattern", ["", "in/*.xml", "a\0"])
def test_a_pattern_that_no_name_fits_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"is not a pattern of file names; write for example"):
        Directory("/srv/in", TEN_MINUTES, patterns=(pattern,))
    with pytest.raises(ValueError, match=r"is not a pattern of file names; write for example"):
        Directory("/srv/in", TEN_MINUTES, except_=(pattern,))


async def test_a_pattern_takes_time_linear_in_the_name(tmp_path: Path) -> None:
    put(tmp_path, "a" * 250)
    directory = Directory(str(tmp_path), TEN_MINUTES, patterns=("*a" * 60 + "b",))

    with trio.fail_after(20):
        assert await conditions(Params((directory,))) == []
