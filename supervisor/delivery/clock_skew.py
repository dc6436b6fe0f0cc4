"""Compare a peer's clock with ours. Pure; used by the sender, `doctor` and `test-alert`.

See docs/reference/alerts.md for the rules.
"""

from __future__ import annotations

import math

from attrs import define

from supervisor.text import seconds

TOLERATED_SKEW = 30.0
"""Seconds by which clocks may differ. Beyond that, times are shifted."""

SKEW_NOISE = 5.0
"""Seconds by which a measured difference may change, and still count as the same."""

STEADY_AFTER = 600.0
"""Seconds without a jump after which a clock counts as steady again."""


@define(eq=False, repr=False)
class PeerClock:
    """The clock of one peer, as its answers show it.

    A clock that jumps must not make us send again and again. Of two jumps within `STEADY_AFTER`,
    only the first is followed at once. The second is followed when the next answer confirms it,
    and then nothing is sent again for it.
    """

    shift: float = 0.0
    """Seconds by which the times that are sent to the peer are shifted."""

    jumps: bool = False
    """Whether the clock jumps, so that a single measurement is not believed."""

    _last_skew: float | None = None
    """The last measured difference. None before the first."""

    _own_steps: int = 0
    """How often our own clock had been set at the last measurement."""

    _jumped_at: float = -math.inf
    """When the last jump was seen."""

    def measure(self, skew: float, *, moment: float, own_steps: int = 0) -> bool:
        """Take in a measured difference. Return whether times sent before were wrong.

        `skew` is the peer's time minus ours. `moment` is now, by a clock that is never set.
        `own_steps` says how often our own clock was set: then a new difference is not a jump of
        the peer's.
        """
        if own_steps != self._own_steps:
            self.jumps, self._last_skew, self._jumped_at = False, None, -math.inf
            self._own_steps = own_steps
        last, self._last_skew = self._last_skew, skew
        has_jumped = last is not None and abs(skew - last) > TOLERATED_SKEW
        since_jump = moment - self._jumped_at
        if has_jumped:
            self.jumps = since_jump < STEADY_AFTER
            self._jumped_at = moment
        elif since_jump >= STEADY_AFTER:
            self.jumps = False
        if has_jumped and self.jumps:
            return False
        shift = shift_for(skew, self.shift)
        is_far = abs(shift - self.shift) > TOLERATED_SKEW
        self.shift = shift
        return is_far and not self.jumps


def is_tolerated(skew: float) -> bool:
    """Return whether a difference is too small to matter."""
    return abs(skew) <= TOLERATED_SKEW


def shift_for(skew: float, known: float) -> float:
    """Return the seconds by which to shift the times that are sent to a peer.

    `skew` is the difference just measured: the peer's time minus ours. `known` is the present
    shift.
    """
    # A peer's date has whole seconds. Near a single limit the shift would come and go.
    if abs(skew) <= TOLERATED_SKEW - (SKEW_NOISE if known else 0.0):
        return 0.0
    is_steady = abs(skew - known) <= SKEW_NOISE
    return known if is_steady else float(round(skew))


def skew_message(url: str, clock: PeerClock) -> str | None:
    """Return the message of `PeerClockSkew`, or None if there is nothing to say."""
    if clock.jumps:
        return (
            f"the clock of {url} jumps by more than {TOLERATED_SKEW:.0f} s; only what two answers "
            "in a row show is followed; check NTP on both, and whether several hosts answer at "
            "this address"
        )
    if not clock.shift:
        return None
    side = "ahead of" if clock.shift > 0 else "behind"
    return (
        f"the clock of {url} is {seconds(abs(clock.shift))} {side} this host's; "
        "times sent to it are shifted; check NTP on both"
    )
