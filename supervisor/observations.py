"""The values that travel through the supervisor, from a check to Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NewType, TypeAlias

from attrs import field, frozen

Duration = NewType("Duration", float)
"""Seconds; written in a service file as `"90s"`, `"5m"`, `"1h30m"` or a number of seconds."""

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None


def _no_labels() -> Mapping[str, str]:
    return {}


@frozen
class Condition:
    """Something that is true now; it fires when new and resolves when a run no longer sees it.

    Its identity is module, alertname and instance. Values that change from run to run
    belong in `message`, which is plain text; `detail` is HTML.
    """

    alertname: str
    event_type: str
    instance: str
    message: str
    detail: str = ""
    labels: Mapping[str, str] = field(factory=_no_labels)
    annotations: Mapping[str, str] = field(factory=_no_labels)


@frozen
class Report:
    """Something said once. `message` is plain text, `detail` is HTML."""

    alertname: str
    message: str
    detail: str = ""
    event_type: str = "I"
    labels: Mapping[str, str] = field(factory=_no_labels)
    annotations: Mapping[str, str] = field(factory=_no_labels)


@frozen
class Measurement:
    """A number shown in the status and as the metric `supervisor_measurement`."""

    name: str
    value: float
    unit: str = ""
    labels: Mapping[str, str] = field(factory=_no_labels)


Observation: TypeAlias = Condition | Report | Measurement
Result: TypeAlias = Literal["ok", "conditions", "failed", "timeout"]


@frozen
class Run:
    """One finished run of a module. Times are Unix seconds, `seconds` is its duration.

    `error` is empty unless the run failed; `traceback` is plain text. `state` is the
    check's own small JSON dict, to be committed with the observations.
    """

    module: str
    scheduled: float
    started: float
    seconds: float
    observations: tuple[Observation, ...] = ()
    error: str = ""
    traceback: str = ""
    timed_out: bool = False
    state: Mapping[str, Json] = field(factory=dict)

    @property
    def result(self) -> Result:
        if self.error:
            return "timeout" if self.timed_out else "failed"
        if any(isinstance(observation, Condition) for observation in self.observations):
            return "conditions"
        return "ok"
