"""All that a check may import.

A check is a module with `Params`, a frozen attrs class, and
`async def run(context, params) -> Iterable[Observation]`. A parameter's
`metadata={"help": "…"}` is what `python -m supervisor checks NAME` shows.
"""

from __future__ import annotations

from supervisor.context import AlertView, Context, RunView, preformatted
from supervisor.errors import CheckFailed
from supervisor.model import (
    Condition,
    Duration,
    Json,
    Measurement,
    Observation,
    Report,
)
from supervisor.secret import Secret

__all__ = [
    "AlertView",
    "CheckFailed",
    "Condition",
    "Context",
    "Duration",
    "Json",
    "Measurement",
    "Observation",
    "Report",
    "RunView",
    "Secret",
    "preformatted",
]
