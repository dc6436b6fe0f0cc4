"""What became of a message that was sent by a channel."""

from __future__ import annotations

import enum

from attrs import frozen


class Fate(enum.Enum):
    """What became of a message."""

    SENT = "sent"
    """It was taken."""

    LATER = "later"
    """It was not taken. Try again later."""

    UNKNOWN = "unknown"
    """It may have been taken. Try again later: it has the same ID."""

    REFUSED = "refused"
    """It was refused for good. The configuration is wrong, or that of the other side."""


@frozen
class Result:
    """What became of a message, and why."""

    fate: Fate
    """What became of it."""

    why: str = ""
    """Why it was not taken, or who did not get it. Empty if all is well."""
