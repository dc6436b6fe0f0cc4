"""`log_pattern` with a pattern of paths: files that hang, go away or cannot be read."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio

from checks._logs.parameters import Log
from supervisor.api import Condition, Duration, Report
from tests.checks._logs.patterns.watching import lines, logs, watch
from tests.checks.log_pattern_bench import Watch, append
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import bindfs, needs_root, stop

__all__ = ["logs"]  # a fixture


def test_a_file_that_cannot_be_read_does_not_hide_the_others(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Path, flags: int) -> int:
        if path == logs / "a.log":
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    watched = watch(logs)
    watched.look_now()
    append(logs / "a.log", "ERROR 1\n")
    append(logs / "b.log", "ERROR 2\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        told, unreadable = watched.look_now()

    assert told.message.endswith("b.log matched ERROR; the first: ERROR 2")
    assert isinstance(unreadable, Condition)
    assert (unreadable.alertname, unreadable.event_type) == ("Log file unreadable", "E")
    assert unreadable.message == f"cannot read {logs}/a.log: Permission denied"
    assert lines(watched) == ["ERROR 1"]


async def found_later(watch: Watch) -> list[Condition | Report]:
    """Return what is found when the kernel has forgotten the size of a file of FUSE."""
    with trio.fail_after(20):
        while not (found := await watch.look()):  # noqa: ASYNC110  # nothing says when
            await trio.sleep(0.05)
    return found


@needs_root
@pytest.mark.may_block("it mounts")
@pytest.mark.parametrize("how", ["directory", "link"])
async def test_what_hangs_does_not_hold_up_the_others(tmp_path: Path, how: str) -> None:
    for name in ("source", "top/good"):
        (tmp_path / name).mkdir(parents=True)
        append(tmp_path / name / "x.log", "ERROR old\n")
    hung = tmp_path / "top" / "hung" if how == "directory" else tmp_path / "hung"
    if how == "link":
        (tmp_path / "top" / "good" / "link.log").symlink_to(hung / "x.log")
    with bindfs(tmp_path / "source", hung) as process:
        log = Log(f"{tmp_path}/top/*/*.log", "ERROR")
        watched = Watch(log, probe_timeout=Duration(1))
        await watched.look()
        append(tmp_path / "source" / "x.log", "ERROR behind\n")
        append(tmp_path / "top" / "good" / "x.log", "ERROR 1\n")
        stop(process)
        told, stuck = await watched.look()
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        then = await found_later(watched)

    assert told.message.endswith("top/good/x.log matched ERROR; the first: ERROR 1")
    assert isinstance(stuck, Condition)
    assert stuck.alertname == "Log file unreadable"
    assert stuck.message.endswith("no answer within 0.5 s")
    assert then[0].message.endswith("ERROR behind")


@needs_root
@pytest.mark.may_block("it mounts")
async def test_what_hangs_at_the_first_look_is_not_new_later(tmp_path: Path) -> None:
    for name in ("source", "top"):
        (tmp_path / name).mkdir()
    append(tmp_path / "source" / "x.log", "ERROR old\n")
    with bindfs(tmp_path / "source", tmp_path / "top" / "hung") as process:
        watched = Watch(Log(f"{tmp_path}/top/*/*.log", "ERROR"), probe_timeout=Duration(0.5))
        stop(process)
        (stuck,) = await watched.look()
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        assert await watched.look() == []
        append(tmp_path / "source" / "x.log", "ERROR 1\n")
        (told,) = await found_later(watched)

    assert stuck.alertname == "Log file unreadable"
    assert told.message.startswith("1 line in ")


def test_a_directory_that_goes_and_comes_back_is_read_on(logs: Path) -> None:
    (logs / "x").mkdir()
    append(logs / "x" / "x.log", "ERROR old\n" * 50)
    watched = watch(logs / "x")
    watched.look_now()
    (logs / "x").rename(logs / "y")
    gone = watched.look_now()
    append(logs / "y" / "x.log", "ERROR 1\n")
    (logs / "y").rename(logs / "x")

    assert [found.alertname for found in gone] == ["Log file missing"]
    assert lines(watched) == ["ERROR 1"]


def test_a_file_that_was_replaced_before_it_was_read_is_logged_once(
    logs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    append(logs / "a.log", "ERROR old\n" * 50)
    watched = watch(logs)
    watched.look_now()
    (logs / "a.log").rename(logs / "elsewhere")
    for number in range(3):
        append(logs / "new", f"ERROR {number}\n")
        (logs / "new").rename(logs / "a.log")
        caplog.clear()
        told = lines(watched)
        said = [record.getMessage() for record in caplog.records]

        assert told == [f"ERROR {number}"]
        assert len(said) == 1
        assert said[0].startswith(f"{logs}/a.log does not hold what was read last")
        assert lines(watched) == []
        assert len(caplog.records) == 1
