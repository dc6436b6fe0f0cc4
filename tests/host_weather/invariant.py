"""The one invariant that holds in every weather."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from tests.host_weather.service import STOP_GRACE
from tests.host_weather.weather import Promise

MAX_LAG = 1.0
"""Seconds by which a run may come late. The time without a processor is not counted."""

MAX_ANSWER = 20.0
"""Seconds within which the command `status` prints its answer.

It waits 5 s for the supervisor. The rest is for its own start on a busy machine.
"""

MAX_CATCH_UP = 45.0
"""Seconds within which all that is owed is delivered, after the weather has passed.

A peer that could not be reached is waited for by the back-off, and a disk for 5 s.
"""

STOP_MARGIN = 5.0
"""Seconds beyond `stop_grace` that a busy machine may need to see a process end."""


@define(kw_only=True)
class Observed:
    """What came of a weather."""

    ready: bool = True
    """Whether every start came to the first run of each module."""

    lag: float = 0.0
    """Seconds by which a run of a module came late at most."""

    arrival: float | None = None
    """Seconds until what was new in the weather was at the healthy peer. None if it never was."""

    arrival_at_other: float | None = None
    """The same for the other peer."""

    answer: float = 0.0
    """Seconds that `status` took at most."""

    silent: int = 0
    """How often `status` did not answer."""

    unsaid: set[str] = field(factory=set)
    """What was not said, though it is promised."""

    said_wrongly: set[str] = field(factory=set)
    """What was said, though it is not so."""

    catch_up: float | None = 0.0
    """Seconds until all that was owed was delivered. None if something never was."""

    missing: set[str] = field(factory=set)
    """What the ledger did not hold after the kill."""

    damage: str = ""
    """What was wrong with the ledger after the kill."""

    unresolved: set[str] = field(factory=set)
    """What a peer still takes to be true after it has ended. It was lost on the way."""

    stop: float = 0.0
    """Seconds from SIGTERM to the exit."""

    code: int | None = 0
    """The exit code. None if it had to be killed."""

    left: dict[int, str] = field(factory=dict)
    """The processes that were left."""


def faults(seen: Observed, promise: Promise) -> list[str]:
    """Return each promise that was broken, in words."""
    return list(_faults(seen, promise))


def _faults(seen: Observed, promise: Promise) -> Iterator[str]:
    if not seen.ready:
        yield "a start did not come to the first runs"
    if seen.lag > MAX_LAG:
        yield f"lag: a run came {seen.lag:.1f} s late"
    if promise.arrives_in is not None:
        if _is_late(seen.arrival, promise.arrives_in):
            yield f"arrival: what is new arrived after {_seconds(seen.arrival)}"
        if promise.reaches_other and _is_late(seen.arrival_at_other, promise.arrives_in):
            after = _seconds(seen.arrival_at_other)
            yield f"arrival: at the other peer what is new arrived after {after}"
    if seen.silent:
        yield "status: it did not answer"
    if seen.answer > MAX_ANSWER:
        yield f"status: it answered after {seen.answer:.1f} s"
    for text in sorted(seen.unsaid):
        yield f"words: {text!r} was not said"
    for text in sorted(seen.said_wrongly):
        yield f"words: {text!r} was said"
    if _is_late(seen.catch_up, MAX_CATCH_UP):
        yield f"after: all was delivered after {_seconds(seen.catch_up)}"
    if seen.damage:
        yield f"ledger: {seen.damage}"
    if seen.missing and promise.keeps:
        yield f"ledger: after the kill it lacks {', '.join(sorted(seen.missing))}"
    if seen.unresolved:
        yield f"lost: never resolved are {', '.join(sorted(seen.unresolved))}"
    if seen.stop > STOP_GRACE + STOP_MARGIN:
        yield f"stop: it took {seen.stop:.1f} s"
    if seen.code not in promise.codes:
        yield f"stop: the exit code is {seen.code}"
    if seen.left:
        yield f"stop: left were {'; '.join(seen.left.values())}"


def _is_late(seconds: float | None, bound: float) -> bool:
    return seconds is None or seconds > bound


def _seconds(seconds: float | None) -> str:
    return "(never)" if seconds is None else f"{seconds:.1f} s"
