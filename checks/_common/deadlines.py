"""How long a check may wait, so that it still has time to say that nothing came."""

from __future__ import annotations

import trio
from attrs import field

from checks._common.validators import is_positive
from supervisor.api import Duration

MAX_RESERVE = 1.0
"""Seconds that are kept back from the deadline of the run at most."""


def within(timeout: float) -> float:
    """Return for how many seconds to wait for something that has its own `timeout`.

    One tenth of the time that is left is kept in reserve, but at most `MAX_RESERVE`. At the
    caller's deadline everything that the run has found would be lost.
    """
    left = max(0.0, trio.current_effective_deadline() - trio.current_time())
    return min(timeout, left - min(MAX_RESERVE, left / 10))


def rounded(seconds: float) -> str:
    """Return seconds for a message, with two digits: a message that changes is sent again."""
    return f"{seconds:.2g}" if seconds < 9.95 else f"{seconds:.0f}"


def timeout_field(seconds: float, meaning: str) -> Duration:
    """Return the field of a parameter for how long something may take."""
    return field(default=Duration(seconds), validator=is_positive, metadata={"help": meaning})
