"""Compare a peer's clock with ours. Pure; used by the sender, `doctor` and `test-alert`.

See docs/reference/alerts.md for the rules.
"""

from __future__ import annotations

from supervisor.text import seconds

TOLERATED_SKEW = 30.0
"""Seconds by which clocks may differ. Beyond that, times are shifted."""

SKEW_NOISE = 5.0
"""Seconds by which a measured difference may change, and still count as the same."""


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


def skew_message(url: str, shift: float) -> str:
    """Return the message of `PeerClockSkew`."""
    side = "ahead of" if shift > 0 else "behind"
    return (
        f"the clock of {url} is {seconds(abs(shift))} {side} this host's; "
        "times sent to it are shifted; check NTP on both"
    )
