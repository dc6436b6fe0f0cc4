"""One process holds a state directory; the others are told which one."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from supervisor.errors import AlreadyRunning, SupervisorError
from supervisor.host.lock import locked
from tests.support.python_child import python_child

HOLD = """
import sys, pathlib
from supervisor.host.lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(directory: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a process that holds the directory."""
    return python_child(HOLD, str(directory), ready="held")


def failing(number: int) -> Callable[..., Any]:
    """Return a function that raises the operating system's error of that number."""

    def fail(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_second_holder_is_told_who_is_the_first(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with holder(directory) as process:
        with pytest.raises(AlreadyRunning) as caught, locked(directory):
            pytest.fail("held twice")

        assert f"process {process.pid} holds the state directory {directory}" in str(caught.value)
        assert 75 == caught.value.exit_code


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with locked(tmp_path):
            assert f"{os.getpid()}\n" == (tmp_path / "lock").read_text()


def test_it_is_free_after_use_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="oops"), locked(tmp_path):
        raise ValueError("oops")
    with locked(tmp_path):
        pass
    with holder(tmp_path):
        pass


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with locked(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_new_directory_is_closed_to_others(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "state"
    before = os.umask(0)
    try:
        with locked(directory):
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "lock")]
    finally:
        os.umask(before)

    assert [0o700, 0o600] == modes


def test_a_lock_that_is_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(SupervisorError, match="cannot use the state directory"), locked(tmp_path):
        pytest.fail("followed the link")

    assert "keep me" == (tmp_path / "precious").read_text()


def test_a_directory_that_cannot_be_made_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remedy = r"directory.*name another with --state-dir"
    for directory in (tmp_path / "file", tmp_path / "file" / "state"):
        with pytest.raises(SupervisorError, match=remedy), locked(directory):
            pytest.fail("it is a file")


def test_a_shorter_pid_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999999\n")
    with locked(tmp_path):
        assert f"{os.getpid()}\n" == (tmp_path / "lock").read_text()


def test_a_full_disk_does_not_prevent_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwrite", failing(errno.ENOSPC))
    unnamed = pytest.raises(AlreadyRunning, match="process unknown holds")
    with locked(tmp_path), unnamed, locked(tmp_path):
        pytest.fail("held twice")


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with pytest.raises(SupervisorError, match=r"cannot lock .*No locks"), locked(tmp_path):
        pytest.fail("not locked")


def test_a_directory_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    with (
        pytest.raises(SupervisorError, match="everybody may write there; chmod 700"),
        locked(tmp_path),
    ):
        pass


def test_a_lock_whose_file_is_gone_is_noticed_and_taken_again(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        held = [lock.is_held()]
        lock.path.unlink()
        held.append(lock.is_held())
        lock.take()
        held.append(lock.is_held())
        with pytest.raises(AlreadyRunning), locked(tmp_path):
            pytest.fail("held twice")

    assert held == [True, False, True]


def test_a_lock_whose_directory_is_gone_is_taken_again(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with locked(directory) as lock:
        directory.rename(tmp_path / "moved")
        assert not lock.is_held()
        lock.take()

        assert lock.is_held()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_who_holds_the_new_file_of_a_lock_is_named(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        lock.path.unlink()
        with holder(tmp_path) as process:
            assert not lock.is_held()
            with pytest.raises(AlreadyRunning, match=f"process {process.pid} holds"):
                lock.take()
        lock.take()

        assert lock.is_held()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_without_room_for_a_file_is_locked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patch:
        refuse_files(patch, number)
        with locked(tmp_path) as lock:
            assert not lock.path.exists()
            lock.take()  # again, as at each look
            with pytest.raises(AlreadyRunning), locked(tmp_path):
                pytest.fail("held twice")
            patch.undo()
            with pytest.raises(AlreadyRunning), locked(tmp_path):
                pytest.fail("held twice, once there was room")
            lock.path.unlink()
            lock.take()

            assert lock.is_held()
            with pytest.raises(AlreadyRunning), locked(tmp_path):
                pytest.fail("held twice, by directory and by file")


def refuse_files(patch: pytest.MonkeyPatch, number: int) -> None:
    """Let no file be made."""
    whole = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return whole(path, flags, mode)

    patch.setattr(os, "open", refuse)


def test_what_cannot_be_seen_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(tmp_path) as lock:
        monkeypatch.setattr(Path, "stat", failing(errno.EIO))

        assert lock.is_held()
