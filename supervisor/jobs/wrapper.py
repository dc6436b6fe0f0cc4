"""Run a job as if nothing stood between: the same streams, signals and exit code.

What goes wrong here must never make the job fail. A report that cannot be written goes to syslog.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import syslog
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from supervisor.jobs import spool
from supervisor.jobs.streams import Copier, copy_on
from supervisor.jobs.tail import Tail

FROM_KERNEL = 0x80
"""The origin of a signal that the terminal sent. The job is in the same group and has it too."""

PASSED_ON = frozenset(
    number
    for number in signal.valid_signals()
    if number
    not in (
        signal.SIGKILL,
        signal.SIGSTOP,
        signal.SIGCHLD,
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGTRAP,
        signal.SIGABRT,
        signal.SIGSYS,
        signal.SIGPIPE,
    )
)
"""The signals that the job gets from us. The others cannot be passed on, or mean this process."""

NOT_FOUND, CANNOT_RUN = 127, 126
"""The exit codes of a shell for a command that is not there, or that cannot be run."""


REPORT_TIMEOUT = 5.0
"""Seconds for which a disk that hangs may delay the end of the job."""


class Output:
    """A pipe that takes what the job writes to one or both of its outputs."""

    def __init__(self, targets: Sequence[int]) -> None:
        self.targets = targets
        self.read, self.write = os.pipe()


def run(job: str, spool_directory: str, command: Sequence[str]) -> NoReturn:
    """Run the command, report its start and its end, and end as it has ended."""
    closed = [number for number in range(3) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    run_id = os.urandom(8).hex()
    start = {**spool.report(job, "start", run_id), **spool.process()}
    began = time.monotonic()
    inherited = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
    outputs = [Output(targets) for targets in _targets(closed)]
    child = os.fork()
    if child == 0:
        _become(command, outputs, closed, inherited)
    telling = _in_thread(tell, spool_directory, start)
    for output in outputs:
        os.close(output.write)
    tail = Tail()
    copiers = [Copier(output.read, output.targets[0], tail) for output in outputs]
    for copier in copiers:
        copier.start()
    status = _follow(child)
    end = _ended(status, time.monotonic() - began)
    if left := [copier for copier in copiers if not copier.finish()]:
        copy_on(left)
    telling.join(REPORT_TIMEOUT)
    report = spool.report(job, "end", run_id, **end, output=tail.text())
    _in_thread(tell, spool_directory, report).join(REPORT_TIMEOUT)
    _end_as(status, inherited)


def replace_us(command: Sequence[str]) -> NoReturn:
    """Become the command, with nothing reported."""
    _become(command, (), (), signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def tell(spool_directory: str, document: dict[str, Any]) -> str:
    """Put a report into the spool and return its path. Empty if that fails; syslog says why."""
    try:
        path = spool.write(spool_directory, document)
    except OSError as error:
        job, event = document["job"], document["event"]
        text = f"the {event} of job {job} is not reported: {spool_directory}: {error.strerror}"
        syslog.syslog(syslog.LOG_ERR, text)
        return ""
    spool.knock(spool_directory)
    return path


def _in_thread(function: Callable[..., object], *given: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=given, daemon=True)
    thread.start()
    return thread


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _targets(closed: Collection[int]) -> list[tuple[int, ...]]:
    """Return the outputs that are copied. A terminal is not: a job may ask whether it is one.

    If both outputs are one file, one pipe takes both, so that lines keep their order.
    """
    outputs = [number for number in (1, 2) if number not in closed and not os.isatty(number)]
    return [(1, 2)] if outputs == [1, 2] and _are_one(1, 2) else [(each,) for each in outputs]


def _are_one(one: int, other: int) -> bool:
    """Return whether two descriptors are one open file, as after `2>&1`."""
    first, second = os.fstat(one), os.fstat(other)
    if (first.st_dev, first.st_ino) != (second.st_dev, second.st_ino):
        return False
    if not stat.S_ISREG(first.st_mode):
        return True
    # A file that was opened twice has two positions.
    position = os.lseek(one, 0, os.SEEK_CUR)
    before = os.lseek(other, 0, os.SEEK_CUR)
    os.lseek(one, position + 1, os.SEEK_SET)
    moved = os.lseek(other, 0, os.SEEK_CUR) != before
    os.lseek(one, position, os.SEEK_SET)
    return moved


def _become(
    command: Sequence[str],
    outputs: Sequence[Output],
    closed: Sequence[int],
    inherited: Iterable[int],
) -> NoReturn:
    """Become the job. Python has changed what some signals do; that is set back."""
    code = CANNOT_RUN
    try:
        for output in outputs:
            for target in output.targets:
                os.dup2(output.write, target)
        for number in closed:
            os.close(number)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, inherited)
        _execute(command)
    except FileNotFoundError:
        code = NOT_FOUND
        _complain(f"{command[0]}: command not found")
    except OSError as error:
        _complain(f"{command[0]}: {error.strerror}")
    finally:
        os._exit(code)


def _execute(command: Sequence[str]) -> None:
    try:
        os.execvp(command[0], [*command])  # noqa: S606 - the job is what the crontab says
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without "#!", which a shell would run, too.
        import shutil  # few scripts need it

        path = shutil.which(command[0]) or command[0]
        os.execv("/bin/sh", ["/bin/sh", path, *command[1:]])  # noqa: S606 - as above


def _complain(text: str) -> None:
    with suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="replace"))


def _follow(child: int) -> int:
    """Pass signals on until the job has ended. Return its status, as `os.wait` does."""
    while True:
        came = signal.sigwaitinfo({*PASSED_ON, signal.SIGCHLD})
        if came.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if ended and not os.WIFSTOPPED(status):
                return status
            if ended:
                os.kill(os.getpid(), signal.SIGSTOP)  # the shell waits for us, not for the job
        elif came.si_code != FROM_KERNEL:
            os.kill(child, came.si_signo)


def _ended(status: int, seconds: float) -> dict[str, Any]:
    if os.WIFSIGNALED(status):
        return {"seconds": seconds, "signal": os.WTERMSIG(status)}
    return {"seconds": seconds, "exit": os.WEXITSTATUS(status)}


def _end_as(status: int, inherited: Iterable[int]) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # the job has left its own
        with suppress(OSError, ValueError):  # SIGKILL
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, {*inherited} - {number})
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))
