"""How long what is promised may take. Each bound follows from docs/reference/delivery.md."""

from __future__ import annotations

from tests.simulation.scenario import Settings

MAX_BACKOFF = 60.0
"""Seconds that a sender waits at most after a failure."""

MAX_RETRY_AFTER = 300.0
"""Seconds for which a peer may ask it to wait. Also not more than two resend intervals."""

MAX_REQUEST = 60.0
"""Seconds that a large request may take."""

FIRST_RUNS = 60.0
"""Seconds after a start in which modules run for the first time, and such a run times out."""

PROMPT = 20.0
"""Seconds in which a peer that was well for long gets what is new. It may wait its turn."""

CURSORS_ARE_WRITTEN = 7.0
"""Exempt: seconds before a kill. What a peer took then may be forgotten, and is sent again."""

ROUNDING = 0.005
"""Seconds by which a time may be rounded."""


def recovery(settings: Settings) -> float:
    """Return in how many seconds a peer that is well again has been told everything."""
    asked = min(MAX_RETRY_AFTER, 2 * settings.resend_interval)
    return max(MAX_BACKOFF, asked) + 2 * MAX_REQUEST + FIRST_RUNS
