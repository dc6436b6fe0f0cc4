"""Every error the supervisor raises on purpose, with the exit code that it ends in."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen


class SupervisorError(Exception):
    """Something could not be done; the text says what and why, for people."""

    exit_code = 1


class UsageError(SupervisorError):
    """The command line is wrong."""

    exit_code = 2


class AlreadyRunning(SupervisorError):
    """Another instance holds the state directory."""

    exit_code = 75


@frozen
class Problem:
    """One thing wrong in a service file, and what would be right.

    `key` is empty when it is the file as a whole.
    """

    file: str
    key: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.wrong}; {self.remedy}"


class ConfigError(SupervisorError):
    """A service file is missing or wrong; `problems` holds everything found."""

    exit_code = 78

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SecretUnreadable(SupervisorError):
    """A secret's file or variable is missing, unreadable or open to others."""


class LedgerError(SupervisorError):
    """The ledger cannot be read or written."""


class LedgerUnwritable(LedgerError):
    """The disk is full, read-only or failing: the ledger cannot be written for now."""


class LedgerCorrupt(LedgerError):
    """The ledger's file is torn: it must be set aside."""


class CheckFailed(SupervisorError):
    """A check could not find out what it was to find out.

    A check raises it with a message for people; unlike any other exception it is shown
    without a traceback.
    """


class StillHanging(CheckFailed):
    """A call that was given up has not come back, so no other like it is started."""
