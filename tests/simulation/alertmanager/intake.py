"""What is taken of the body of a POST to /api/v2/alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.body import (
    ACCEPTED,
    Answer,
    is_url,
    refusal,
    seconds,
    wrong_name,
)
from tests.simulation.alertmanager.series import Series


@define
class Intake:
    """Makes alerts of a body. It leaves out those that are not valid, and says so."""

    _resolve_timeout: float
    _series: dict[tuple[tuple[str, str], ...], Series] = field(factory=dict)
    """The series of labels in the order of a post, empty values and all."""
    _all: dict[tuple[tuple[str, str], ...], Series] = field(factory=dict)
    """The same by `Series.key`: one object for each set of labels."""

    def read(self, body: object, now: float) -> tuple[list[Alert], Answer]:
        if not isinstance(body, list | tuple):
            return [], refusal(body)
        try:
            read = [self._read(posted, now) for posted in body]
        except (AttributeError, KeyError, TypeError, ValueError):
            return [], refusal(body)
        alerts = [alert for alert, problem in read if problem is None]
        if len(alerts) == len(read):
            return alerts, ACCEPTED
        problems = "; ".join(problem for _, problem in read if problem)
        return alerts, Answer(400, json.dumps(problems) + "\n")

    def _read(self, posted: Mapping[str, Any], now: float) -> tuple[Alert, str | None]:
        """Return the alert and why it is left out. One of four errors if it is not readable."""
        ends_at = seconds(posted.get("endsAt") or "")
        starts_at = seconds(posted.get("startsAt") or "")
        if starts_at is None:
            starts_at = now if ends_at is None else ends_at
        annotations = posted.get("annotations") or {}
        url = posted.get("generatorURL") or ""
        if url and not is_url(url):
            raise ValueError(url)
        alert = Alert(
            series=self._series_of(posted["labels"]),
            annotations=annotations,
            starts_at=starts_at,
            ends_at=now + self._resolve_timeout if ends_at is None else ends_at,
            updated_at=now,
            is_timeout=ends_at is None,
            generator_url=url,
        )
        wrong = wrong_name(tuple(annotations.items()))
        return alert, _problem(alert, wrong and f"invalid annotations: {wrong}")

    def _series_of(self, labels: Mapping[str, str]) -> Series:
        posted = tuple(labels.items())
        known = self._series.get(posted)
        if known is None:
            wrong = wrong_name(tuple((name, value) for name, value in posted if value != ""))
            series = Series(
                {name: value for name, value in posted if value},
                wrong and f"invalid label set: {wrong}",
            )
            known = self._series[posted] = self._all.setdefault(series.key, series)
        return known


def _problem(alert: Alert, otherwise: str | None) -> str | None:
    """Return why the alert is left out."""
    if alert.ends_at < alert.starts_at:
        return "start time must be before end time"
    if not alert.series.labels:
        return "at least one label pair required"
    return alert.series.problem or otherwise
