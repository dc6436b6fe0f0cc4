"""Puts right what a process inherits from whoever started it. Both programs call it first.

An init script may close the standard streams, a container may give a user without a name, a parent
may block signals. No other code has to think of that. Only the standard library is used.
"""

from __future__ import annotations

import codecs
import io
import os
import resource
import signal
import sys
from contextlib import suppress
from types import FrameType

MAX_FILES = 65536
"""Open files that are asked for; the hard limit may allow fewer."""

_found = {"children": False, "hang-up": False}
"""Whether there were children before ours; whether SIGHUP came before `take_hang_up`."""


def put_right(*, keeps_running: bool = False) -> None:
    """Set streams, signals, umask, limits, HOME and current directory right.

    `keeps_running`: SIGHUP must not end this process. It is remembered for `take_hang_up`.
    """
    _set_signals(keeps_running=keeps_running)
    _set_streams()
    _set_umask()
    _set_limits()
    _set_home()
    _set_directory()
    _found["children"] = _has_children()


def take_hang_up() -> bool:
    """Return whether SIGHUP came before the caller handled it. The next call returns False."""
    came, _found["hang-up"] = _found["hang-up"], False
    return came


def has_strangers() -> bool:
    """Return whether this process may become the parent of processes that no command started.

    That is so for process 1 of a container, and for a process that had children from the start.
    """
    return os.getpid() == 1 or _found["children"]


def _set_signals(*, keeps_running: bool) -> None:
    if keeps_running:
        signal.signal(signal.SIGHUP, _remember_hang_up)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        # Ignored SIGTERM: nothing could stop us. Ignored SIGCHLD: no exit status is kept.
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if os.getpid() == 1 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # The kernel drops signals of process 1 that have no handler.
        signal.signal(signal.SIGTERM, _end)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _remember_hang_up(_number: int, _frame: FrameType | None) -> None:
    _found["hang-up"] = True


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _set_streams() -> None:
    """Open the standard streams that are closed, and let the others take any text.

    Without this, the next file that is opened would be standard error to other code.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if _is_open(descriptor):
            with suppress(OSError):
                # Writing a long answer would fail as soon as the reader is slow.
                os.set_blocking(descriptor, True)
        else:
            # It gets the lowest free number, which is this one.
            os.set_inheritable(_open_null(), True)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it lives as long as the process
    codecs.register_error("escape", _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="escape")


def _open_null() -> int:
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:  # a bare root without devices; a directory at least keeps the number taken
        return os.open("/", os.O_RDONLY)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding does not have as JSON does: an arrow as `\\u2192`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(f"\\u{code:04x}" for code in codes), error.end


def _set_umask() -> None:
    """Let the owner use what we write, and let not everybody write to it."""
    inherited = os.umask(0o077)
    os.umask(inherited & 0o077 | 0o002)


def _set_limits() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _set_home() -> None:
    """Set HOME as container runtimes do: to the user's home, or to / for a user without a name."""
    if os.path.isabs(os.environ.get("HOME", "")):
        return
    import pwd  # nearly always there is a HOME

    home = ""
    with suppress(KeyError):
        home = pwd.getpwuid(os.getuid()).pw_dir
    os.environ["HOME"] = home if os.path.isabs(home) else "/"


def _set_directory() -> None:
    """Leave a current directory that was removed: no relative path can be used there."""
    try:
        os.getcwd()
    except OSError:
        os.chdir("/")


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
