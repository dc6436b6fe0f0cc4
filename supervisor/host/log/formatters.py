"""The log on standard error: text for people, JSON for machines, priorities for journald."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime, tzinfo
from types import TracebackType
from typing import Any, Literal, TextIO, TypeAlias

from supervisor.host.log.limit import LogLimit
from supervisor.host.log.writer import LogWriter
from supervisor.text import clean

Format: TypeAlias = Literal["auto", "text", "json", "journal"]
"""A value of `--log-format`."""

_RED, _YELLOW, _GREEN, _CYAN, _DIM, _PLAIN = (
    "\x1b[31m",
    "\x1b[33m",
    "\x1b[32m",
    "\x1b[36m",
    "\x1b[2m",
    "\x1b[0m",
)

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
"""Levels of logging with their priorities in sd-daemon(3)."""

_CRITICAL = 2
"""The priority of levels above those."""


def set_up(
    kind: Format,
    timezone: tzinfo | None = None,
    *,
    verbose: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Send the log to standard error, without ever waiting for its reader; or to a stream.

    Text shows the time of day in `timezone`.
    """
    if stream is None:
        stream = sys.stderr
        handler = _writer(stream)
        sys.excepthook = _log_uncaught
    else:
        handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(kind, stream, timezone))
    handler.addFilter(LogLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("supervisor").setLevel(logging.DEBUG if verbose else logging.INFO)


def _writer(stream: TextIO) -> logging.Handler:
    try:
        return LogWriter(stream.fileno(), stream.encoding)
    except OSError:  # it is a file in memory
        return logging.StreamHandler(stream)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Log what ends the process: to print it could wait for the log's reader for ever."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logging.getLogger("supervisor").critical(
        "ended by a bug: %s", kind.__name__, exc_info=(kind, error, traceback)
    )


def change_timezone(timezone: tzinfo) -> None:
    """Show the time of day in another zone from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, TextFormatter):
            handler.formatter.timezone = timezone


def _formatter(kind: Format, stream: TextIO, timezone: tzinfo | None) -> logging.Formatter:
    if kind == "auto":
        kind = "journal" if _is_journal(stream) else "text"
    if kind == "json":
        return JsonFormatter()
    if kind == "journal":
        return JournalFormatter()
    return TextFormatter(timezone, colour=stream.isatty() and not os.environ.get("NO_COLOR"))


def _is_journal(stream: TextIO) -> bool:
    """Return whether the stream is the one that systemd names in $JOURNAL_STREAM."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class TextFormatter(logging.Formatter):
    """Time of day and message; the colour tells what happened."""

    def __init__(self, timezone: tzinfo | None = None, *, colour: bool) -> None:
        super().__init__()
        self.timezone = timezone
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).astimezone(self.timezone)
        text = _one_entry(self, record)
        if not self.colour:
            return f"{moment:%H:%M:%S} {text}"
        return f"{_DIM}{moment:%H:%M:%S}{_PLAIN} {self._tint(record)}{text}{_PLAIN}"

    def _tint(self, record: logging.LogRecord) -> str:
        verb = getattr(record, "verb", "")
        if verb == "RESOLVED":
            return _GREEN
        if verb == "REPORT":
            return _CYAN
        if record.levelno >= logging.ERROR:
            return _RED
        return _YELLOW if record.levelno >= logging.WARNING else ""


class JournalFormatter(logging.Formatter):
    """Each line with its priority, see sd-daemon(3). The journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, _CRITICAL)}>"
        return "\n".join(f"{prefix}{line}" for line in _one_entry(self, record).split("\n"))


class JsonFormatter(logging.Formatter):
    """One JSON object on each line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: _clean_value(value) for name, value in entry.items()})


def _clean_value(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _one_entry(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return message and traceback without control characters.

    Lines after the first are indented, so that text from outside cannot look like an entry.
    """
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return clean(text).replace("\n", "\n  ")
