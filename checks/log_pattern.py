"""Searches the lines that were appended to a log since the last run for a pattern.

Coming from Monit: `check file … content`; Icinga: `logfiles`; Telegraf: `tail`.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from attrs import Attribute, define, field, frozen

from checks._common.deadlines import timeout_field, within
from checks._common.event_types import event_type_field
from checks._common.gather import gather
from checks._common.patterns import compiled
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.validators import is_not_empty, is_one_or_more, unique
from checks._files.probing import probe_within
from checks._logs.reader import Known, Progress, read
from supervisor.api import (
    Condition,
    Context,
    Duration,
    Json,
    Measurement,
    Observation,
    Report,
    preformatted,
)

MAX_BYTES_PER_RUN = 32 << 20
"""The most bytes that one run reads of each log. The next runs read the rest."""

MISSING = "missing"
"""What the state holds in the place of a position while a log is missing."""

MAX_LISTED_LINES = 50
"""The most lines that the detail shows."""

MAX_LINE_CHARACTERS = 1000
"""The most characters that are shown of a line."""


@frozen
class Log:
    """One log and its pattern."""

    path: str = field(
        metadata={
            "help": "the log; it may be rotated, truncated or missing",
            "example": '"/var/log/syslog"',
        }
    )
    pattern: str = field(
        metadata={
            "help": "a regular expression, in RE2's syntax; in single quotes \\ stands for itself",
            "example": "'ERROR'",
        }
    )
    name: str = field(default="", metadata={"help": "the instance; default: the path"})
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

    @path.validator
    def _is_path(self, _: Attribute[str], value: str) -> None:
        if not value.startswith("/") or "\0" in value:
            raise ValueError(
                f"{value!r} is not an absolute path; write for example '/var/log/syslog'"
            )

    @pattern.validator
    def _is_pattern(self, _: Attribute[str], value: str) -> None:
        if not value:
            raise ValueError("is empty and would match every line; write for example 'ERROR'")
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

    @property
    def instance(self) -> str:
        """Its name in alerts."""
        return self.name or self.path

    @property
    def key(self) -> str:
        """The key of its position in the state. With another pattern, reading starts over."""
        text = "\0".join((self.path, self.pattern, self.exclude, self.instance))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@frozen
class Params:
    """The logs that are read."""

    past_events: ClassVar[frozenset[str]] = frozenset({"Log lines"})
    """Alerts that are held until an Alertmanager has notified of them."""

    logs: tuple[Log, ...] = field(
        validator=[is_not_empty, unique(lambda log: log.key, shown=lambda log: log.instance)],
        metadata={"help": "the logs and their patterns", "named_by": ("path", "name")},
    )
    probe_timeout: Duration = timeout_field(20, "a log that takes longer to read is unreadable")


@define
class Matches:
    """Counts the lines that match, and keeps the first of them."""

    log: Log
    count: int = 0
    first: list[str] = field(factory=list)
    _pattern: Any = field(init=False)
    _exclude: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pattern = compiled(self.log.pattern)
        self._exclude = compiled(self.log.exclude) if self.log.exclude else None

    def take(self, line: bytes) -> bool:
        """Count a line if it matches, and return whether it does."""
        # A line that begins with a byte order mark begins a file, or a file that was appended.
        line = line.removeprefix(codecs.BOM_UTF8)
        if not line.isascii() or self.log.encoding != "utf-8":
            # In RE2 "." matches no byte that is not UTF-8.
            line = line.decode(self.log.encoding, "replace").encode(errors="replace")
        if not self._pattern.search(line):
            return False
        if self._exclude is not None and self._exclude.search(line):
            return False
        self.count += 1
        if len(self.first) < MAX_LISTED_LINES:
            self.first.append(shown(line.decode(errors="replace"), MAX_LINE_CHARACTERS))
        return True


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return which logs are missing or cannot be read."""
    seconds = within(params.probe_timeout)
    found = await gather(partial(_wrong_with, seconds=seconds), params.logs)
    return [f"logs[{n}].path: {problem}" for n, problem in enumerate(found) if problem]


async def _wrong_with(log: Log, seconds: float) -> str:
    try:
        await probe_within(seconds, f"look at {log.path}", partial(_open, log.path))
    except FileNotFoundError:
        if log.optional:
            return ""
        is_pattern = set(log.path) & set("*?[{")
        hint = "path is one file, not a pattern" if is_pattern else "correct path"
        return f"{log.path} is missing; {hint}, or write optional = true"
    except OSError as error:
        why = error.strerror or str(error)
        return f"cannot read {log.path}: {why}; let the supervisor's user read it"
    return ""


def _open(path: str) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is not a regular file")
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return the matching lines of each log. The state keeps where reading stopped."""
    kept: dict[str, Json] = {}
    examine = partial(_examine, context, seconds=within(params.probe_timeout), kept=kept)
    observed = await gather(examine, params.logs)
    # A log that could not be read keeps its position.
    remembered = {log.key: context.state.get(log.key) for log in params.logs} | kept
    context.state.clear()
    context.state.update({key: value for key, value in remembered.items() if value is not None})
    return [*chain.from_iterable(observed)]


async def _examine(
    context: Context, log: Log, seconds: float, kept: dict[str, Json]
) -> list[Observation]:
    known = context.state.get(log.key)

    def work() -> tuple[Progress, Matches]:
        matches = Matches(log)
        # All lines of a log that appears after the first run are new.
        from_start = log.from_start or known == MISSING
        before = Known.load(known)
        progress = read(
            Path(log.path), before, matches.take, MAX_BYTES_PER_RUN, from_start=from_start
        )
        return progress, matches

    try:
        name = f"read of {log.path} for {log.instance}"
        progress, matches = await probe_within(seconds, name, work)
    except FileNotFoundError:
        kept[log.key] = known or MISSING
        message = f"{log.path} is missing"
        missing = Condition("Log file missing", "E", log.instance, message)
        return [] if log.optional else [missing]
    except OSError as error:
        return [_unreadable(log, error.strerror or str(error))]
    if progress.broken:
        context.log.warning(
            "%s does not hold what was read last, nor does any rotated file beside it; "
            "lines may be missing; reading starts at its first line",
            log.path,
        )
    for refused in progress.refused:
        context.log.warning(
            "%s has grown since its rotation and cannot be read; lines of %s may be missing",
            refused,
            log.path,
        )
    kept[log.key] = progress.known.dump()
    labels = {"log": log.instance}
    return [
        Measurement("log_matching_lines", matches.count, labels=labels),
        Measurement("log_unread_bytes", progress.left, "B", labels=labels),
        *_matched(log, matches),
    ]


def _matched(log: Log, matches: Matches) -> list[Observation]:
    if matches.count < log.min_count:
        return []
    lines, first = counted(matches.count, "line"), matches.first[0]
    message = f"{lines} in {log.path} matched {log.pattern}; the first: {first}"
    text = "\n".join(matches.first)
    if matches.count > len(matches.first):
        text += f"\n… and {matches.count - len(matches.first):,} more"
    detail = preformatted(text)
    if log.report:
        return [Report(f"Log lines ({log.instance})", message, detail, log.event_type)]
    return [Condition("Log lines", log.event_type, log.instance, message, detail=detail)]


def _unreadable(log: Log, cause: str) -> Condition:
    message = f"cannot read {log.path}: {cause}"
    return Condition("Log file unreadable", "E", log.instance, message)
