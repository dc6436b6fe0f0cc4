"""What `run-now` is told of a run: how it ended, and what it has seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from supervisor.observations import Condition, Measurement, Observation, Report, Run

MAX_TOLD = 200
"""Conditions and reports of a run that are told, at most."""

_KEYS = ("alertname", "event_type", "instance", "message")
"""What is told of a condition or report."""


def outcome(run: Run) -> dict[str, Any]:
    """Return the outcome of a run. What it has not seen has no key."""
    conditions = [item for item in run.observations if isinstance(item, Condition)]
    reports = [item for item in run.observations if isinstance(item, Report)]
    measurements = sum(isinstance(item, Measurement) for item in run.observations)
    found = {"module": run.module, "result": run.result, "seconds": run.seconds}
    seen = {
        "failure": run.error,
        "conditions": _told(conditions),
        "reports": _told(reports),
        "measurements": measurements,
        "left_out": max(0, len(conditions) - MAX_TOLD) + max(0, len(reports) - MAX_TOLD),
    }
    return found | {key: value for key, value in seen.items() if value}


def _told(items: Iterable[Observation]) -> list[dict[str, Any]]:
    found = [{key: getattr(item, key, "") for key in _KEYS} for item in items]
    return found[:MAX_TOLD]
