"""Lets one cause write some lines a minute. A full table of files would fill the disk, too."""

from __future__ import annotations

import logging
from collections import OrderedDict

from attrs import define

MAX_LINES = 10
"""Lines of one cause in a minute, at most."""

WINDOW = 60.0
"""Seconds in which these lines are counted."""

MAX_CAUSES = 256
"""Causes that are remembered; the oldest are forgotten."""


@define(eq=False, repr=False)
class _Count:
    since: float
    """Unix seconds of the first line."""
    lines: int = 0
    """Lines since then."""


class LogLimit(logging.Filter):
    """Leaves out warnings and errors that say the same again and again.

    The last line of a minute says so; the first line of a later minute tells how many were left
    out. What an alert does is always logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written; add to its message what was left out."""
        if record.levelno < logging.WARNING or hasattr(record, "verb"):
            return True
        message = record.getMessage()
        cause = record.name, message
        count = self._counts.get(cause)
        left_out = 0
        if count is None or not 0 <= record.created - count.since < WINDOW:
            left_out = max(0, count.lines - MAX_LINES) if count else 0
            count = self._counts[cause] = _Count(record.created)
            self._counts.move_to_end(cause)
            if len(self._counts) > MAX_CAUSES:
                self._counts.popitem(last=False)
        count.lines += 1
        said = ""
        if left_out:
            said = f" (left out since then: {left_out} more)"
        elif count.lines == MAX_LINES:
            said = " (more of this within a minute is left out)"
        if said:
            record.msg, record.args = message + said, None
        return count.lines <= MAX_LINES
