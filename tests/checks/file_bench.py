"""What the tests of the `file` check share: files of a known age, and what a run says of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from checks.file import Params, run
from supervisor.api import Condition, Context, Json, Observation
from supervisor.config.structure import structure
from tests.support.check_context import context

NOW = 1_000_000_000.0
"""When the check looks, unless a test says otherwise."""


def params(*files: Mapping[str, Any], **others: Any) -> Params:
    return structure({"files": [*files], **others}, Params)


def at(now: float = NOW, state: dict[str, Json] | None = None) -> Context:
    return evolve(context(), clock=lambda: now, state={} if state is None else state)


async def seen(
    *files: Mapping[str, Any],
    now: float = NOW,
    state: dict[str, Json] | None = None,
    **others: Any,
) -> list[Observation]:
    return [*await run(at(now, state), params(*files, **others))]


async def wrong(*files: Mapping[str, Any], now: float = NOW) -> list[tuple[str, str, str]]:
    """Return the conditions of some files: alertname, event type and message."""
    return short(await seen(*files, now=now))


def short(observed: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in observed
        if isinstance(item, Condition)
    ]


def put(path: Path, size: int = 1, age: float = 3600.0) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, (NOW - age, NOW - age))
    return str(path)
