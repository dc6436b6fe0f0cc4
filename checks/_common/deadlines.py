"""How long a check may wait for something: it must be able to say that it did not come."""

from __future__ import annotations

import trio

MOST_RESERVE = 1.0


def within(timeout: float) -> float:
    """Return the seconds to wait at most, for something that may take `timeout` of its own.

    A little of the caller's deadline is kept back, a tenth and at most a second: at the
    deadline itself everything that the run has found would be lost.
    """
    left = max(0.0, trio.current_effective_deadline() - trio.current_time())
    return min(timeout, left - min(MOST_RESERVE, left / 10))


def rounded(seconds: float) -> str:
    """Return seconds for a message: what changed with every run would be sent with every run."""
    return f"{seconds:.2g}" if seconds < 9.95 else f"{seconds:.0f}"
