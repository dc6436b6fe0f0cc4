"""What a failure changes: how long to wait, and how many alerts the next request may hold. Pure.

See docs/reference/delivery.md for the rules.
"""

from __future__ import annotations

from attrs import define, field

FIRST_BACKOFF = 1.0
"""Seconds of the first wait after a failure. The jitter makes it shorter."""

MAX_BACKOFF = 60.0
"""Seconds of any later wait, unless the peer asks for another one."""

MIN_RETRY_AFTER = 1.0
"""Seconds that the sender waits at least when the peer asks it to wait."""

MAX_RETRY_AFTER = 300.0
"""Seconds that a peer may ask us to wait."""

MAX_DOUBLINGS = 16
"""How often the wait is doubled. More would only risk an overflow."""


def backoff(
    failures: int, retry_after: float | None, resend_interval: float, jitter: float
) -> float:
    """Return for how many seconds to wait after a failure.

    `failures` is how many came before it in a row. `retry_after` is what the peer asks for, in
    seconds. `jitter` is a number from 0 to 1.
    """
    if retry_after is not None:
        return min(max(retry_after, MIN_RETRY_AFTER), MAX_RETRY_AFTER, 2 * resend_interval)
    doubled = FIRST_BACKOFF * 2.0 ** min(failures, MAX_DOUBLINGS)
    return jitter * min(MAX_BACKOFF, doubled)


@define(eq=False, repr=False)
class BatchSize:
    """How many alerts the next batch may hold.

    A batch may fail for its size, or for one of its alerts. Half of it may pass.
    """

    max_batch: int
    """Alerts in one batch at most, as configured."""

    limit: int = field(init=False)
    """Alerts that the next batch may hold, from 1 to `max_batch`."""

    def __attrs_post_init__(self) -> None:
        self.limit = self.max_batch

    def failed(self, count: int) -> None:
        """Halve: a batch of `count` alerts has failed."""
        self.limit = max(1, min(self.limit, count // 2))

    def passed(self) -> None:
        """Grow: a batch was taken."""
        self.limit = min(self.max_batch, 2 * self.limit)
