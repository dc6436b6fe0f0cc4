"""Real processes for the tests of `daemon`: with any title or command line, alive or dead."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from supervisor.processes.descendants import become_subreaper
from tests.support.patience import Patience

NAME = f"a{os.getpid()}_archiveManager"
"""A name that no other process of this machine goes by. Its first 15 letters, which the kernel
keeps as `comm`, are unique, too: another run of these tests may leave a zombie just now."""

RETITLE = """
import ctypes, sys
fields = open("/proc/self/stat", "rb").read().rpartition(b")")[2].split()
start, end = int(fields[45]), int(fields[46])
title, padding = bytes.fromhex(sys.argv[1]), int(sys.argv[2])
assert len(title) < end - start
ctypes.memset(start, padding, end - start - 1)
ctypes.memmove(start, title, len(title))
print("ready", flush=True)
sys.stdin.read()
"""

DAEMON = """
Process.daemon(true, true)
$0 = ARGV[0]
File.write(ARGV[1] + ".new", Process.pid.to_s + "\\n")
File.rename(ARGV[1] + ".new", ARGV[1])
sleep
"""


@contextlib.contextmanager
def running(*argv: str | Path, file: str | Path | None = None) -> Iterator[int]:
    """Start a command, by another file if one is given; kill it at the end with its group."""
    process = subprocess.Popen(
        argv,
        executable=file,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def titled(title: bytes, padding: bytes = b"\0") -> Iterator[int]:
    """Start a process that overwrites its arguments with a title, or any other arguments."""
    arguments = title.hex(), str(padding[0]), "filler" * 40
    process = subprocess.Popen(
        [sys.executable, "-c", RETITLE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def daemonised(title: str, pid_file: Path) -> Iterator[int]:
    """Start a Ruby daemon that forks twice, sets its title and writes its pid file."""
    become_subreaper()  # the machine's own init may take a second to reap it
    subprocess.run(["ruby", "-e", DAEMON, title, pid_file], check=True)
    poll(pid_file.exists)
    pid = int(pid_file.read_text())
    try:
        yield pid
    finally:
        end(pid)


def end(pid: int) -> None:
    """Kill a daemon and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

    def gone() -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return not Path(f"/proc/{pid}").exists()

    poll(gone)


def make_zombie(pid: int) -> None:
    """Kill a child and leave it unreaped."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def poll(happened: Callable[[], bool]) -> None:
    patience = Patience(10)
    while not happened():
        assert not patience.is_over(), "it did not happen within 10 s"
        time.sleep(0.01)


@contextlib.contextmanager
def contained(*argv: str | Path) -> Iterator[int]:
    """Start a command in a PID namespace of its own, as a container does. Needs root."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]
    with running(*unshare) as parent:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        name = os.fsencode(argv[0])
        poll(lambda: any(name in _cmdline(pid) for pid in children.read_text().split()))
        inner = int(children.read_text())
        try:
            yield inner
        finally:
            end(inner)


def _cmdline(pid: str) -> bytes:
    """Return the first argument of a process, once it is the command itself."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    return b""
