"""What is told of logs that were read. Used by `log_pattern`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks._common.plurals import counted
from checks._common.printable import shown
from checks._logs.matches import Matches
from checks._logs.parameters import Log
from supervisor.api import Condition, Measurement, Observation, Report, preformatted

if TYPE_CHECKING:  # few services have patterns of files, or read the journal
    from checks._logs.journal import Reading
    from checks._logs.patterns.reading import PatternReading

MAX_LISTED_FILES = 50
"""The most files that cannot be read that are listed."""


def lines(log: Log, matches: Matches, left: int | None = None) -> list[Observation]:
    """Return how many lines match, and the first of them.

    `left` is how many bytes are still to be read, if that is known.
    """
    labels = {"log": log.instance}
    observed: list[Observation] = [Measurement("log_matching_lines", matches.count, labels=labels)]
    if left is not None:
        observed.append(Measurement("log_unread_bytes", left, "B", labels=labels))
    if matches.count < log.min_count:
        return observed
    message, detail = matches.message, preformatted(matches.text)
    if log.report:
        name = f"Log lines ({log.instance})"
        return [*observed, Report(name, message, detail, log.event_type)]
    return [
        *observed,
        Condition("Log lines", log.event_type, log.instance, message, detail=detail),
    ]


def missing(log: Log, message: str) -> Condition:
    """Return the condition of a log that is not there."""
    return Condition("Log file missing", "E", log.instance, message)


def unreadable(log: Log, what: str, detail: str = "") -> Condition:
    """Return the condition of a log that cannot be read, with the cause."""
    message = f"cannot read {what}"
    return Condition("Log file unreadable", "E", log.instance, message, detail=detail)


def files(log: Log, found: PatternReading) -> Iterator[Condition]:
    """Yield what is wrong with the files of a pattern."""
    if found.troubles:
        said = [f"{shown(each.path)}: {each.cause}" for each in found.troubles]
        others = f", nor {len(said) - 1:,} more" if said[1:] else ""
        text = "\n".join(said[:MAX_LISTED_FILES])
        yield unreadable(log, f"{said[0]}{others}", preformatted(text) if others else "")
    elif not found.count and not log.optional:
        yield missing(log, f"no file fits {log.path}")
    if found.left_out:
        many = counted(found.left_out, "file")
        message = (
            f"{found.count:,} files fit {log.path}, which is more than are read; {many} that "
            "are not read were written to since the last run"
        )
        yield Condition("Log files left out", "W", log.instance, message)


def journal(log: Log, found: Reading) -> Iterator[Condition]:
    """Yield what is wrong with the reading of the journal."""
    if found.is_lost:
        message = (
            "the journal does not hold the entry any more up to which it was read; messages may be "
            "missing; reading goes on with the oldest entry after it"
        )
        yield Condition("Journal cursor lost", "W", log.instance, message)
    if found.is_behind:
        message = "more messages wait in the journal than one run reads; the next runs read on"
        yield Condition("Journal behind", "W", log.instance, message)
