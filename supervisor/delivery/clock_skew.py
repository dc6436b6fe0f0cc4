"""A peer's clock compared with ours. Pure; used by the sender, `doctor` and `test-alert`."""

from __future__ import annotations

from supervisor.text import seconds

TOLERATED_SKEW = 30.0
"""Seconds by which clocks may differ before times are shifted."""

SKEW_NOISE = 5.0
"""Seconds by which a measured difference may wander without being another."""


def is_tolerated(skew: float) -> bool:
    """Return whether a difference is too small to matter."""
    return abs(skew) <= TOLERATED_SKEW


def shift_for(skew: float, known: float) -> float:
    """Return the seconds by which to shift the times that are sent to a peer.

    `skew` is the difference just measured, peer minus us. `known` is the shift of now.
    """
    # Dates are whole seconds: at the very limit the shift would come and go with each.
    if abs(skew) <= TOLERATED_SKEW - (SKEW_NOISE if known else 0.0):
        return 0.0
    is_steady = abs(skew - known) <= SKEW_NOISE
    return known if is_steady else float(round(skew))


def skew_message(url: str, shift: float) -> str:
    """Return what `PeerClockSkew` says."""
    side = "ahead of" if shift > 0 else "behind"
    return (
        f"the clock of {url} is {seconds(abs(shift))} {side} this host's; "
        "times sent to it are shifted; check NTP on both"
    )
