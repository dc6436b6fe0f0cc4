"""The errors that the supervisor raises on purpose, with their exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from attrs import frozen


class SupervisorError(Exception):
    """Something could not be done. The text tells people what and why."""

    exit_code = 1
    """Of a command that this error ends."""


class UsageError(SupervisorError):
    """The command line is wrong."""

    exit_code = 2


class AlreadyRunning(SupervisorError):
    """Another process holds the state directory."""

    exit_code = 75


class NotRunning(SupervisorError):
    """No supervisor answers at the local socket: there is no socket, or it is left from a crash."""


@frozen
class Problem:
    """One thing that is wrong in a service file, and what would be right."""

    file: str
    key: str
    """The place in the file: `modules[3].every`. Empty: the file as a whole."""
    wrong: str
    """What is wrong, to be read after the key: "is less than 1"."""
    remedy: str
    """What would be right: "write 1 or more"."""
    line: int = 0
    """The line in the file, from 1. 0: it has none."""
    place: str = ""
    """The key for people, if that differs: `module 'disk': every`."""

    def __str__(self) -> str:
        file = f"{self.file}:{self.line}" if self.line else self.file
        place = self.place or self.key
        where = f"{file}: {place}" if place else file
        return f"{where}: {self.wrong}; {self.remedy}"


class ConfigError(SupervisorError):
    """A service file is missing or wrong; `problems` holds everything that is wrong in it."""

    exit_code = 78

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SecretUnreadable(SupervisorError):
    """The file or the variable of a secret is missing, unreadable or open to other users."""


class LedgerError(SupervisorError):
    """The ledger cannot be read or written."""


class LedgerUnwritable(LedgerError):
    """The ledger cannot be written now: the disk is full, read-only or failing."""


class LedgerCorrupt(LedgerError):
    """The ledger's file is damaged. It must be put aside."""


class CheckFailed(SupervisorError):
    """A check could not find out what it should find out.

    A check raises it with a message for people. Its alert has no traceback; the alert of any
    other exception has one.
    """


class StillHanging(CheckFailed):
    """An earlier call, which was given up, still hangs. The same call is not started again."""


class NoThread(CheckFailed):
    """No thread can be started: the host, the user or the service has no task left."""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return this error for what Python says."""
        return cls(f"{error}; look at TasksMax= of the service, and at `ulimit -u`")
