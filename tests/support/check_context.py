"""The context in which tests run a check."""

from __future__ import annotations

import logging
from zoneinfo import ZoneInfo

from supervisor.api import Context


def context(at: tuple[str, ...] = ()) -> Context:
    """Return the context of a module with these `at` times. Its clock stands at 0."""
    return Context(
        service="KOR",
        host="host",
        module="the module",
        timezone=ZoneInfo("Asia/Seoul"),
        log=logging.LoggerAdapter(logging.getLogger("test")),
        clock=lambda: 0.0,
        at=at,
    )
