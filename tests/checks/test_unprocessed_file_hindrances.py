"""Directories that are huge, closed, changing or stuck hold up no other."""

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
from pathlib import Path

import pytest
import trio

from checks.unprocessed_file import Directory, Params
from supervisor.api import Condition, Duration, Limit
from supervisor.host.threads import abandoned_threads
from tests.checks.unprocessed_bench import OLD, conditions, look, put
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import hung, needs_root, tmpfs


def identities(seen: list[Condition]) -> list[tuple[str, str]]:
    return [(condition.alertname, condition.instance) for condition in seen]


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
