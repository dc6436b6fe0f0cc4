"""The `file` check on real files of each kind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import trio

from supervisor.api import Condition, Json, Report
from supervisor.host.threads import abandoned_threads
from tests.checks.file_bench import put, seen, short, wrong
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import hung, needs_root


async def test_a_file_that_is_missing_fires_and_resolves(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    missing = [("File missing", "E", f"{path} is missing")]

    assert await wrong({"path": path}) == missing
    assert await wrong({"path": path, "event_type": "W"}) == [("File missing", "W", missing[0][2])]
    assert await wrong({"path": path, "optional": True}) == []
    assert await wrong({"path": f"{put(tmp_path / 'other')}/file"}) == [
        ("File missing", "E", f"{tmp_path}/other/file is missing")
    ]
    put(tmp_path / "file")
    assert await wrong({"path": path}) == []


async def test_a_file_that_must_not_be_there_fires_and_resolves(tmp_path: Path) -> None:
    path, cores = tmp_path / "LOCK", {"newest": f"{tmp_path}/core.*", "exists": False}
    lock = {"path": str(path), "exists": False}

    assert await wrong(lock, cores) == []
    put(path)
    put(tmp_path / "core.1", age=9)
    assert await wrong(lock, cores) == [
        ("File exists", "E", f"{path} is there, and must not be"),
        (
            "File exists",
            "E",
            f"1 file fits {tmp_path}/core.*, and none may; the newest is {tmp_path}/core.1",
        ),
    ]
    put(tmp_path / "core.2", age=8)
    (_, fired) = await wrong(lock, cores)
    assert fired[2].startswith(f"2 files fit {tmp_path}/core.*, and none may; the newest is ")


def short_path(path: str) -> str:
    """Return a path that is short enough for a socket."""
    return os.path.relpath(path)


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "socket", "device"])
async def test_each_kind_is_told_from_the_others_and_holds_up_nothing(
    tmp_path: Path, kind: str
) -> None:
    paths = {name: str(tmp_path / name) for name in ("file", "directory", "fifo", "socket")}
    paths["device"] = "/dev/zero"
    put(tmp_path / "file")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    found = []
    with socket.socket(socket.AF_UNIX) as bound, trio.fail_after(20):
        bound.bind(short_path(paths["socket"]))
        for path in paths.values():
            found.append(await wrong({"path": path, "kind": kind, "optional": True}))

    words = {"file": "a regular file", "fifo": "a FIFO"}
    assert found == [
        [
            (
                "File kind wrong",
                "E",
                f"{path} is {words.get(name, f'a {name}')}, not {words.get(kind, f'a {kind}')}",
            )
        ]
        if name != kind
        else []
        for name, path in paths.items()
    ]


async def test_links_stand_for_what_they_lead_to(tmp_path: Path) -> None:
    put(tmp_path / "file", size=7)
    for name, target in (("good", "file"), ("dangling", "gone"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    good, dangling, loop = [
        await wrong({"path": str(tmp_path / name), "max_size": 5})
        for name in ("good", "dangling", "loop")
    ]

    assert good == [("File too large", "E", f"{tmp_path}/good has 7 B (limit 5 B)")]
    assert dangling == [("File missing", "E", f"{tmp_path}/dangling is missing")]
    assert loop == [
        (
            "File unreadable",
            "E",
            f"cannot read {tmp_path}/loop: Too many levels of symbolic links",
        )
    ]


@needs_root
async def test_mode_owner_and_group_must_be_right(tmp_path: Path) -> None:
    path = put(tmp_path / "file")
    os.chown(path, 1, 54321)
    os.chmod(path, 0o4755)  # noqa: S103  # it is the wrong mode
    good = {"path": path, "mode": "04755", "owner": "daemon", "group": "54321"}
    bad = {"path": path, "mode": "0644", "owner": "root", "group": "no such group"}

    assert await wrong(good) == []
    assert await wrong({**good, "mode": "4755", "owner": "1"}) == []
    assert await wrong(bad) == [
        ("File mode wrong", "E", f"{path} has the mode 4755, not 0644"),
        ("File owner wrong", "E", f"{path} belongs to the user daemon, not to root"),
        (
            "File group wrong",
            "E",
            f"{path} belongs to the group 54321, not to no such group, a group that this host "
            "does not know",
        ),
    ]


async def test_names_that_are_not_text_are_shown_safely(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/pnr-\xff\n\x1b.gz"
    put(Path(os.fsdecode(name)), 10)
    (condition,) = await wrong({"newest": f"{tmp_path}/*.gz", "max_size": 5})

    assert condition[2].startswith(f"{tmp_path}/pnr-\\xff\\n\\x1b.gz, the newest of")


def test_what_another_user_may_not_look_at_is_unreadable() -> None:
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)  # noqa: S103  # the directory of the tests is closed to other users
        root = Path(parent)
        (root / "closed").mkdir()
        put(root / "closed" / "a.gz")
        put(root / "secret")
        (root / "closed").chmod(0)
        (root / "secret").chmod(0)
        files = [
            {"path": f"{root}/closed/a.gz"},
            {"newest": f"{root}/closed/*.gz"},
            {"path": f"{root}/secret", "sha256": "changed", "mode": "0600"},
            {"path": f"{root}/secret", "name": "rights", "mode": "0000"},
        ]
        argv = [sys.executable, "-c", AS_NOBODY, json.dumps(files)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert [tuple(item) for item in json.loads(done.stdout)] == [
        ("File unreadable", f"cannot read {root}/closed/a.gz: Permission denied"),
        ("File unreadable", f"cannot read {root}/closed: Permission denied"),
        ("File unreadable", f"cannot read {root}/secret: Permission denied"),
        ("File mode wrong", f"{root}/secret has the mode 0000, not 0600"),
    ]


AS_NOBODY = """
import json, os, sys, trio
from checks.file import Params, run
from supervisor.config.structure import structure
from tests.support.check_context import context
params = structure({"files": json.loads(sys.argv[1])}, Params)
trio.run(run, context(), params)  # imports all that it needs while it has the rights
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
observed = trio.run(run, context(), params)
print(json.dumps([(item.alertname, item.message) for item in observed if hasattr(item, "message")]))
"""


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_mount_that_hangs_holds_up_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    put(tmp_path / "source" / "a.gz")
    good, stuck = put(tmp_path / "good"), f"{tmp_path}/hung"
    files = (
        {"path": f"{stuck}/a.gz", "sha256": "changed"},
        {"newest": f"{stuck}/*.gz", "max_growth": 5},
        {"path": good, "max_size": 0},
    )
    state: dict[str, Json] = {}

    async def found(probe_timeout: float) -> list[tuple[str, str, str]]:
        return short(await seen(*files, state=state, probe_timeout=probe_timeout))

    with hung(tmp_path / "source", tmp_path / "hung") as process:
        process.send_signal(signal.SIGCONT)
        await found(20)
        remembered = dict(state)
        process.send_signal(signal.SIGSTOP)
        with trio.fail_after(20):
            first = await found(0.5)
            second = await found(60)  # while one call hangs, no other is made
        assert abandoned_threads() == 2
        assert state == remembered
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        answered = await found(20)

    too_large = ("File too large", "E", f"{good} has 1 B (limit 0 B)")
    assert first == [
        ("File unreadable", "E", f"cannot read {stuck}/a.gz: no answer within 0.5 s"),
        ("File unreadable", "E", f"cannot read {stuck}/*.gz: no answer within 0.5 s"),
        too_large,
    ]
    assert [item[0] for item in second] == [item[0] for item in first]
    assert answered == [too_large]


@pytest.mark.may_block("it makes the files itself")
async def test_ten_thousand_files_do_not_delay_other_tasks(tmp_path: Path) -> None:
    for number in range(10_000):
        os.mknod(tmp_path / f"pnr-{number}.gz")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.sleep(0.001)
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        (condition,) = await wrong({"newest": f"{tmp_path}/*.gz", "exists": False})
        nursery.cancel_scope.cancel()

    assert condition[2].startswith(f"10,000 files fit {tmp_path}/*.gz, and none may")
    assert turns > 1


async def test_a_file_that_is_replaced_by_rename_while_it_is_looked_at_is_one_of_both(
    tmp_path: Path,
) -> None:
    path, state, stop = tmp_path / "file", dict[str, Json](), trio.Event()
    contents = [b"a" * 3000, b"b" * 5000]
    path.write_bytes(contents[0])

    async def replace() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            other = tmp_path / "other"
            await trio.to_thread.run_sync(other.write_bytes, contents[number % 2])
            await trio.to_thread.run_sync(other.rename, path)

    file, began, found = {"path": str(path), "sha256": "changed"}, time.monotonic(), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(replace)
        while time.monotonic() < began + 0.5:
            found += await seen(file, state=state)
        stop.set()

    known = {hashlib.sha256(content).hexdigest() for content in contents}
    reports = [item for item in found if isinstance(item, Report)]
    assert {item.message.partition("SHA-256 is ")[2][:64] for item in reports} <= known
    # It may be replaced four times in a row while it is read. Nothing else is said.
    told = [item.message for item in found if isinstance(item, Condition)]
    assert all(message.endswith("so its SHA-256 is not known") for message in told)
