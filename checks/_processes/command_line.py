"""The names of a process, taken from its command line. Used by `scan`.

A command line holds the arguments of the process. Or the process has overwritten them with a
title, by Ruby's `$0 =` or setproctitle(3). All values are bytes, since neither has to be text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

TOOLS = frozenset(
    b"""
    grep egrep fgrep zgrep rg ag ack pgrep pkill pidof pidwait ps top htop kill killall lsof fuser
    vi vim view rvim vimdiff vim.basic vim.tiny nvim nano rnano pico emacs emacsclient ed ex joe
    jed ne mcedit micro hx kak gedit kate code subl
    less more most pg cat bat tac head tail multitail watch tee nl od xxd strings wc sort uniq cut
    sed awk gawk mawk diff cmp find fd locate xargs parallel ls stat file du df which whereis man
    cp mv rm ln dd install touch mkdir chmod chown tar zip unzip gzip gunzip bzip2 xz zstd cpio
    rsync scp sftp ssh curl wget nc socat md5sum sha1sum sha256sum inotifywait logger logrotate
    mysql mariadb mysqldump mysqladmin mysqlcheck psql pg_dump pg_restore sqlite3 redis-cli
    git svn make gdb strace ltrace perf valgrind
    su sudo doas runuser setpriv chroot nsenter unshare timeout time nice ionice chrt taskset
    nohup setsid env flock stdbuf script screen SCREEN tmux dtach expect start-stop-daemon
    runsv s6-supervise supervise svlogd multilog sv supervisorctl monit systemctl journalctl
    service systemd-run docker podman kubectl supervisor alertmanager-supervisor
    """.split()
)
"""Programs whose arguments say what they work on.

One that names a daemon is not that daemon. One that starts a daemon is another process than it.
"""

MULTI_CALL_PROGRAMS = frozenset({b"busybox", b"toybox"})
"""Programs that hold many programs. The first argument says which one runs."""

EXTENSIONS = (b".rb", b".jar", b".war", b".sh", b".bash", b".py", b".pyc", b".pl", b".js", b".php")
"""The extensions of programs.

A process with the argument `archiveManager.rb` has the name `archiveManager`. One with the argument
`archiveManager.log` does not.
"""

_SHELL = re.compile(rb"-?(?:ba|da|z|k|mk|a)?sh")
"""The name of a shell. A login shell has a hyphen before it."""

_SHELL_OPTIONS_WITH_VALUE = frozenset({b"-o", b"+o", b"-O", b"+O", b"--rcfile", b"--init-file"})
"""Options of shells that take the next argument as their value."""

_INTERPRETER = re.compile(rb"(?:python|pypy|ruby|perl|php|node|lua)[0-9.]*")
"""The name of a program that runs a script."""

_COMMAND_OPTION = re.compile(rb"-[A-Za-z]*c[A-Za-z]*")
"""Options of shells with a `c` among them: the next argument is the command."""


def parse_arguments(cmdline: bytes, executable: bytes | None = b"") -> tuple[bytes, ...]:
    """Return the arguments in a /proc/PID/cmdline, or the words of a title. It may be empty.

    A title is padded with NULs or spaces. In one like "postgres: idle in archive" the word before
    the colon is the program. What follows says what the program does, and is left out. A program
    that has spaces in its name and no arguments is told from a title by the file that it executes.
    """
    arguments = cmdline.rstrip(b"\0 ").split(b"\0")
    if len(arguments) > 1 or (executable and basename(executable) == basename(arguments[0])):
        return tuple(arguments)
    first, *words = arguments[0].split() or [b""]
    if first.endswith(b":"):
        first, words = first[:-1], []
    return (first, *words) if first else ()


def names(cmdline: bytes, executable: bytes | None = b"") -> frozenset[bytes]:
    """Return every name of the process.

    These are its title, the arguments that say what it is, the base names of these, and all of
    them without the extension of a program. When it is not known whether a command line is a title
    or the name of a program, `executable` is None and the process has the names of both.
    """
    arguments = parse_arguments(cmdline, executable)
    forms = {form for argument in _naming(arguments) for form in _forms(argument)}
    title = cmdline.rstrip(b"\0 ")
    if b"\0" not in title:
        forms |= {*_forms(title)} if executable is None else {title}
    return frozenset(forms) - {b""}


def may_be_title(cmdline: bytes) -> bool:
    """Return whether it takes the executed file to tell a title from a program's name."""
    title = cmdline.rstrip(b"\0 ")
    return b"\0" not in title and len(title.split()) > 1


def program(cmdline: bytes, executable: bytes | None = b"") -> bytes:
    """Return the first argument, or the first word of a title."""
    return next(iter(parse_arguments(cmdline, executable)), b"")


def basename(path: bytes) -> bytes:
    """Return what follows the last slash."""
    return path.rpartition(b"/")[2]


def stem(path: bytes) -> bytes:
    """Return a path without the extension of a program."""
    if not path.endswith(EXTENSIONS):
        return path
    return path.removesuffix(next(end for end in EXTENSIONS if path.endswith(end)))


def _forms(argument: bytes) -> Iterator[bytes]:
    yield argument
    head, _, _ = argument.partition(b"/")
    if b"=" not in head and not head.endswith(b":"):  # a setting or a URL is not a file
        base = basename(argument)
        yield from (base, stem(base), stem(argument))


def _naming(arguments: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the arguments that say what the process is. An option never does."""
    if arguments[1:] and basename(arguments[0]) in MULTI_CALL_PROGRAMS:
        arguments = arguments[1:]
    first, rest = arguments[:1], arguments[1:]
    yield from first
    own = b"".join(map(basename, first))
    if own in TOOLS or (_SHELL.fullmatch(own) and _has_command_option(rest)):
        return
    operands = [argument for argument in rest if not argument.startswith(b"-")]
    if operands and _INTERPRETER.fullmatch(own) and stem(basename(operands[0])) in TOOLS:
        operands = operands[:1]
    yield from operands


def _has_command_option(arguments: Sequence[bytes]) -> bool:
    """Return whether a shell gets its command as an argument, and not as a script."""
    remaining = iter(arguments)
    for argument in remaining:
        if argument in _SHELL_OPTIONS_WITH_VALUE:
            next(remaining, None)
        elif not argument.startswith((b"-", b"+")) or argument in (b"-", b"--"):
            return False
        elif _COMMAND_OPTION.fullmatch(argument):
            return True
    return False
