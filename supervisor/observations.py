"""The values that a check returns. They go through the supervisor to the Alertmanagers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NewType, TypeAlias

from attrs import field, frozen

Duration = NewType("Duration", float)
"""Seconds. A service file has them as `"90s"`, `"5m"`, `"1h30m"` or a number of seconds."""

Size = NewType("Size", int)
"""Bytes. A service file has them as `"5GiB"`, `"500MB"` or a number of bytes."""

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None
"""Any value that JSON can hold, as `json.loads` returns it."""


def _no_labels() -> Mapping[str, str]:
    return {}


@frozen
class Condition:
    """Something that is true now. It fires when it is new; it resolves when no run sees it.

    Module, alertname and instance are its identity. Values that change from run to run belong
    in `message`.
    """

    alertname: str
    event_type: str
    instance: str
    """What is concerned: a path, a port, a process."""
    message: str
    """Plain text."""
    detail: str = ""
    """HTML."""
    labels: Mapping[str, str] = field(factory=_no_labels)
    annotations: Mapping[str, str] = field(factory=_no_labels)
    sustain: bool = False
    """True: what fires goes on. A condition that does not fire is not seen."""
    keeps: tuple[str, ...] = ()
    """Event types that an alert keeps that fires with one of them."""


@frozen
class Report:
    """Something that is told once."""

    alertname: str
    message: str
    """Plain text."""
    detail: str = ""
    """HTML."""
    event_type: str = "I"
    labels: Mapping[str, str] = field(factory=_no_labels)
    annotations: Mapping[str, str] = field(factory=_no_labels)


@frozen
class Measurement:
    """A number for the status page and for the metric `supervisor_measurement`."""

    name: str
    value: float
    unit: str = ""
    labels: Mapping[str, str] = field(factory=_no_labels)
    limits: tuple[float, ...] = field(default=(), eq=False)
    """The values at which a condition begins. They are drawn beside the value, no more."""


Observation: TypeAlias = Condition | Report | Measurement
"""What a run of a check may return."""

Result: TypeAlias = Literal["ok", "conditions", "failed", "timeout"]
"""How a run ended."""

RESULT_WORDS = {
    "ok": "ok",
    "conditions": "conditions",
    "failed": "failed",
    "timeout": "timed out",
    None: "not yet run",
}
"""Each result in words. None: there is no run yet."""


@frozen
class Run:
    """One finished run of a module."""

    module: str
    scheduled: float
    """Unix seconds of its time in the timetable."""
    started: float
    """Unix seconds."""
    seconds: float
    """How long it took."""
    observations: tuple[Observation, ...] = ()
    error: str = ""
    """Why the run failed. Empty: it did not fail."""
    traceback: str = ""
    """Plain text."""
    timed_out: bool = False
    state: Mapping[str, Json] = field(factory=dict)
    """The check's own memory, committed together with the observations."""
    output: str = ""
    """What the check has shown with `context.show`. Plain text."""

    @property
    def result(self) -> Result:
        if self.error:
            return "timeout" if self.timed_out else "failed"
        if any(isinstance(observation, Condition) for observation in self.observations):
            return "conditions"
        return "ok"
