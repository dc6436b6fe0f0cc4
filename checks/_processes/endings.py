"""How a program ended, in words. Used by `command`."""

from __future__ import annotations

import signal

from checks._common.printable import shown
from supervisor.api import Completed

MAX_STDERR_CHARACTERS = 1500
"""The most characters of stderr that an error message shows."""


def with_reason(completed: Completed, stderr: str) -> str:
    """Return how it ended, and the last line of stderr, where programs tell the reason."""
    return ": ".join(filter(None, [ending(completed.status), last_line(stderr)]))


def last_line(text: str) -> str:
    """Return the last line of what a program wrote to stderr."""
    return shown(text.strip().rpartition("\n")[2], MAX_STDERR_CHARACTERS)


def ending(status: int) -> str:
    """Return an exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-status}"
