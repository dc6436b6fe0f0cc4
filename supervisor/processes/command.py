"""Runs a command for a check and leaves nothing of it behind.

The run ends when its first process, the leader, exits. The caller's cancel scope is the deadline.
The event loop itself spawns the command. A thread would not help: vfork holds the interpreter until
exec there, too. And no other thread may fork while `descendants` has set a mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, cast

import trio
from attrs import define, field, frozen

from supervisor.errors import CheckFailed
from supervisor.processes import descendants
from supervisor.processes.descendants import become_subreaper, end_all_descendants
from supervisor.processes.executable import look_up, why

__all__ = ["Completed", "become_subreaper", "end_all_descendants", "find_program", "run_command"]

READ_BYTES = 65536
"""Bytes of one read from a pipe, at most."""

MAX_STDERR_BYTES = 4096
"""Bytes of standard error that are kept: its end."""

MAX_PIPE_BYTES = 1024 * 1024
"""Bytes that a pipe can hold, by Linux's default for /proc/sys/fs/pipe-max-size."""

GRACE = 1.0
"""Seconds from SIGTERM to SIGKILL."""

KILL_TIMEOUT = 1.0
"""Seconds from SIGKILL until processes that still live are given up."""

REAP_INTERVAL = 0.5
"""Seconds after which orphans that died while the command runs are reaped."""


@frozen
class Completed:
    """A finished command."""

    status: int
    """Its exit status, or minus the signal that ended it."""
    stdout: bytes
    """The first bytes that it wrote, at most `keep` of them."""
    stdout_bytes: int
    """How many bytes it wrote."""
    stderr: bytes
    """The last 4 KiB that it wrote to standard error."""
    strays: int
    """Descendants that did not end by themselves and were killed."""


async def find_program(
    program: str, *, cwd: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Return the file that `run_command` runs for a program. Raises `CheckFailed` if it cannot."""
    path = {**_inherited(), **(env or {})}.get("PATH", os.defpath)
    return await look_up(program, cwd, path)


async def run_command(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    keep: int = 65536,
    unfinished: Callable[[Completed], None] | None = None,
    end_when_full: bool = False,
) -> Completed:
    """Run a program without a shell, in a session of its own. It can read `stdin`.

    `env` is added to the inherited environment. `keep` is how many bytes of standard output are
    kept. `end_when_full` sends SIGTERM to a command that writes more. `unfinished` gets what a
    command that did not end in time has written until its end. Raises `CheckFailed` when the
    program or `cwd` is missing or cannot be used. When cancelled, the process group gets SIGTERM,
    and a second later SIGKILL. In any case, every descendant has ended and is reaped on return.
    """
    become_subreaper()
    environment = {**_inherited(), **(env or {})}
    executable = await find_program(argv[0], cwd=cwd, env=env)
    lineage = descendants.begin()
    try:
        stdout, stderr = _spawn(
            lineage, argv, executable=executable, cwd=cwd, environment=environment, text=stdin
        )
    except BaseException:
        lineage.forget()
        raise
    with stdout, stderr:
        end = partial(lineage.signal_group, signal.SIGTERM) if end_when_full else None
        head, tail = _Head(stdout.fileno(), keep, end), _Tail(stderr.fileno())
        in_time = False
        try:
            async with trio.open_nursery() as readers:
                readers.start_soon(head.read)
                readers.start_soon(tail.read)
                await _exit_of(lineage.leader)
                readers.cancel_scope.cancel()
            in_time = True
        except BaseException:
            lineage.signal_group(signal.SIGTERM)
            with trio.move_on_after(GRACE, shield=True):
                await _exit_of(lineage.leader)
            raise
        finally:
            with trio.move_on_after(KILL_TIMEOUT, shield=True):
                await _end(lineage)
            descendants.give_up(descendants.sweep())
            lineage.forget()
            completed = _completed(lineage, head, tail)
            if unfinished is not None and not in_time:
                unfinished(completed)
    if lineage.status is None:
        raise CheckFailed(f"cannot run {argv[0]}: its exit status was lost")
    return completed


def _completed(lineage: descendants.Lineage, head: _Head, tail: _Tail) -> Completed:
    head.drain()
    tail.drain()
    return Completed(
        status=-signal.SIGKILL if lineage.status is None else lineage.status,
        stdout=bytes(head.kept),
        stdout_bytes=head.total,
        stderr=bytes(tail.kept),
        strays=lineage.strays,
    )


def _spawn(
    lineage: descendants.Lineage,
    argv: Sequence[str],
    *,
    executable: str,
    cwd: str | None,
    environment: Mapping[str, str],
    text: bytes,
) -> tuple[IO[bytes], IO[bytes]]:
    try:
        with _standard_input(text) as stdin, descendants.marking(lineage):
            popen = subprocess.Popen(
                argv,
                executable=executable,
                cwd=cwd,
                env=environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
    except FileNotFoundError:  # `look_up` has found the program itself
        raise CheckFailed(f"cannot run {argv[0]}: the program in its #! line is missing") from None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise CheckFailed(f"cannot run {argv[0]}: {why(error)}") from None
    lineage.leader = popen.pid
    popen.returncode = 0  # the sweep reaps it; without this, Popen would warn and reap, too
    stdout, stderr = cast("IO[bytes]", popen.stdout), cast("IO[bytes]", popen.stderr)
    os.set_blocking(stdout.fileno(), False)
    os.set_blocking(stderr.fileno(), False)
    return stdout, stderr


@contextlib.contextmanager
def _standard_input(text: bytes) -> Iterator[int]:
    """Yield what a command reads: nothing, or a file in memory with a text."""
    if not text:
        yield subprocess.DEVNULL
        return
    descriptor = os.memfd_create("stdin")
    try:
        os.write(descriptor, text)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


async def _exit_of(pid: int) -> None:
    """Wait until a child has exited, without reaping it."""
    descriptor = os.pidfd_open(pid)
    try:
        while True:
            with trio.move_on_after(REAP_INTERVAL):
                await trio.lowlevel.wait_readable(descriptor)
                return
            descendants.reap_dead()
    finally:
        os.close(descriptor)


async def _end(lineage: descendants.Lineage) -> None:
    """Kill a whole lineage, however long that takes."""
    lineage.signal_group(signal.SIGKILL)
    lineage.over = True
    known: set[int] = set()
    while dying := descendants.sweep():
        # New processes are there: kill them at once. Else wait for those that are dying.
        await trio.sleep(0.001 if dying <= known else 0)
        known |= dying


@define(eq=False, repr=False)
class _Pipe:
    """The read end of a pipe. Subclasses decide which bytes to keep."""

    descriptor: int
    kept: bytearray = field(factory=bytearray, kw_only=True)
    total: int = field(default=0, kw_only=True)

    async def read(self) -> None:
        """Read until the end of file."""
        while True:
            await trio.lowlevel.wait_readable(self.descriptor)
            if not self._take():
                return
            if len(self.kept) < self.total:
                # A command that never stops printing must not keep the event loop busy.
                await trio.sleep(0.001)

    def drain(self) -> None:
        """Take the bytes that are still in the pipe, without waiting."""
        end = self.total + MAX_PIPE_BYTES
        with contextlib.suppress(BlockingIOError):
            while self.total < end and self._take():
                pass

    def _take(self) -> int:
        chunk = os.read(self.descriptor, READ_BYTES)
        self.total += len(chunk)
        self._keep(chunk)
        return len(chunk)

    def _keep(self, chunk: bytes) -> None:
        raise NotImplementedError


@define(eq=False, repr=False)
class _Head(_Pipe):
    """Keeps the first bytes."""

    limit: int

    full: Callable[[], None] | None
    """Is called when more comes than is kept."""

    def _keep(self, chunk: bytes) -> None:
        self.kept += chunk[: max(0, self.limit - len(self.kept))]
        if self.full is not None and self.total > self.limit:
            self.full()


@define(eq=False, repr=False)
class _Tail(_Pipe):
    """Keeps the last bytes."""

    def _keep(self, chunk: bytes) -> None:
        self.kept += chunk
        del self.kept[:-MAX_STDERR_BYTES]


def _inherited() -> dict[str, str]:
    """Return our environment without the variables that systemd has set for us only."""
    ours = ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "WATCHDOG_", "LISTEN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
