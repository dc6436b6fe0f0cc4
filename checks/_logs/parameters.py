"""What one entry of `logs` says. Used by `log_pattern`."""

from __future__ import annotations

import codecs
import hashlib
from typing import Literal

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.patterns import compiled
from checks._common.validators import is_one_or_more
from checks._files.watched.names import is_pattern

Priority = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
"""The names of the priorities of syslog, as journalctl has them."""


def _full_name(unit: str) -> str:
    from checks._processes.systemd_units import full_name  # few services read the journal

    return full_name(unit)


@frozen
class Journal:
    """Which messages of the journal are read."""

    unit: str = field(
        default="",
        metadata={"help": "only messages of this unit, or of systemd about it; default: of all"},
    )
    priority: Priority | None = field(
        default=None, metadata={"help": "only messages of this priority or a more urgent one"}
    )

    @unit.validator
    def _is_unit(self, _: Attribute[str], value: str) -> None:
        if value:
            _full_name(value)

    @property
    def name(self) -> str:
        """What the messages are called in alerts."""
        return _full_name(self.unit) if self.unit else "journal"


@frozen
class Log:
    """One log and its pattern."""

    path: str = field(
        default="",
        metadata={
            "help": "the log; it may be rotated, truncated or missing. With *, ? or [abc]: all "
            "logs that fit",
            "example": '"/var/log/syslog"',
        },
    )
    pattern: str = field(
        default="",
        metadata={
            "help": "a regular expression, in RE2's syntax; in single quotes \\ stands for itself. "
            "Needed with path; without one, each message of the journal counts",
            "example": "'ERROR'",
        },
    )
    name: str = field(
        default="", metadata={"help": "the instance; default: the path, or the journal's unit"}
    )
    exclude: str = field(default="", metadata={"help": "lines that match this do not count"})
    min_count: int = field(
        default=1,
        validator=is_one_or_more,
        metadata={"help": "fires when at least this many lines match in one run"},
    )
    report: bool = field(
        default=False,
        metadata={"help": "true: each run with such lines makes a report, and nothing fires"},
    )
    from_start: bool = field(
        default=False,
        metadata={"help": "true: the first run reads the lines that are already there"},
    )
    optional: bool = field(default=False, metadata={"help": "true: the log may be missing"})
    encoding: str = field(
        default="utf-8",
        metadata={
            "help": "the encoding of the log, such as 'euc-kr'; line ends are those of ASCII"
        },
    )
    event_type: str = event_type_field("W", "of lines that match")
    journal: Journal | None = field(
        default=None,
        metadata={
            "help": "instead of path: messages of systemd's journal",
            "example": '{ unit = "ssh.service", priority = "err" }',
        },
    )

    @path.validator
    def _is_path(self, _: Attribute[str], value: str) -> None:
        if value and (not value.startswith("/") or "\0" in value):
            raise ValueError(
                f"{value!r} is not an absolute path; write for example '/var/log/syslog'"
            )
        if "**" in value.split("/"):
            raise ValueError("has **, which is not read here; write a * for each directory")

    @pattern.validator
    def _is_pattern(self, _: Attribute[str], value: str) -> None:
        if value:
            compiled(value)

    @exclude.validator
    def _is_pattern_too(self, _: Attribute[str], value: str) -> None:
        if value:
            compiled(value)

    @encoding.validator
    def _is_encoding(self, _: Attribute[str], value: str) -> None:
        try:
            b"\xff".decode(value, "replace")  # some, such as "idna", cannot replace
            # "utf-8-sig" writes a byte order mark first.
            fits = "a\n".encode(value).removeprefix(codecs.BOM_UTF8) == b"a\n"
        except (LookupError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                f"{value!r} is not an encoding that holds ASCII; write for example 'euc-kr'"
            )

    def __attrs_post_init__(self) -> None:
        if not self.path and self.journal is None:
            raise ValueError("path is missing; write for example path = '/var/log/syslog'")
        if self.path and self.journal is not None:
            raise ValueError("path and journal exclude each other; write an entry for each")
        if self.path and not self.pattern:
            raise ValueError(
                "pattern is empty and would match every line; write for example 'ERROR'"
            )

    @property
    def instance(self) -> str:
        """Its name in alerts."""
        return self.name or self.where

    @property
    def where(self) -> str:
        """Where its lines are, in messages."""
        return self.path if self.journal is None else self.journal.name

    @property
    def is_pattern(self) -> bool:
        """Whether its path may stand for several files."""
        return is_pattern(self.path)

    @property
    def key(self) -> str:
        """The key of its position in the state. With another pattern, reading starts over."""
        parts = [self.path, self.pattern, self.exclude, self.instance]
        if self.journal is not None:
            parts += ["journal", self.journal.unit, self.journal.priority or ""]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
