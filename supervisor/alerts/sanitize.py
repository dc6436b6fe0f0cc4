"""Clean what a check returned, so that a peer can take it. Pure.

See docs/reference/alerts.md for the limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import evolve

from supervisor.config.service import LABEL_NAME
from supervisor.errors import CheckFailed
from supervisor.observations import Condition, Measurement, Observation, Report
from supervisor.text import MAX_LABEL_BYTES, MAX_MESSAGE_BYTES, clean_label, clean_text

MAX_LIMITS = 4
"""Limits of a measurement that are kept."""

MAX_DETAIL_BYTES = 256 * 1024
"""Bytes of a detail in UTF-8."""


def clean_observation(observation: object) -> Observation:
    """Return the observation with its texts cleaned. Raises `CheckFailed` if it cannot be used."""
    if not isinstance(observation, Condition | Report):
        return _measurement(observation)
    kind = type(observation).__name__
    for name in ("alertname", "event_type", "message", "detail"):
        if not isinstance(getattr(observation, name), str):
            raise CheckFailed(f"the check returned a {kind} whose {name} is not a text")
    if not observation.alertname or not observation.event_type:
        raise CheckFailed(f"the check returned a {kind} without alertname or event_type")
    cleaned = evolve(
        observation,
        alertname=clean_label(observation.alertname),
        event_type=clean_label(observation.event_type),
        message=clean_text(observation.message, MAX_MESSAGE_BYTES),
        detail=clean_text(observation.detail, MAX_DETAIL_BYTES),
        labels=_clean_mapping(kind, "label", observation.labels, MAX_LABEL_BYTES),
        annotations=_clean_mapping(kind, "annotation", observation.annotations, MAX_MESSAGE_BYTES),
    )
    if isinstance(cleaned, Report):
        return cleaned
    if not isinstance(cleaned.instance, str):
        raise CheckFailed("the check returned a Condition whose instance is not a text")
    if not isinstance(cleaned.sustain, bool):
        raise CheckFailed("the check returned a Condition whose sustain is not a boolean")
    if cleaned.keeps and not _are_texts(cleaned.keeps):
        raise CheckFailed("the check returned a Condition whose keeps is not a tuple of texts")
    return evolve(cleaned, instance=clean_label(cleaned.instance))


def _are_texts(values: object) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, str) for value in values)


def _measurement(observation: object) -> Observation:
    if not isinstance(observation, Measurement):
        raise CheckFailed(
            f"the check returned {type(observation).__name__}, "
            "which is not a Condition, Report or Measurement"
        )
    if not isinstance(observation.name, str) or not isinstance(observation.value, int | float):
        raise CheckFailed("the check returned a Measurement without a name or a number")
    if not isinstance(observation.labels, Mapping):
        raise CheckFailed("the check returned a Measurement whose labels are not a mapping")
    if not _is_finite(observation.value):
        name = clean_label(observation.name)
        raise CheckFailed(f"the check returned the Measurement {name!r} without a finite number")
    labels = observation.labels.items()
    return Measurement(
        clean_label(observation.name),
        observation.value,
        clean_label(str(observation.unit)),
        {clean_label(str(key)): clean_label(str(text)) for key, text in labels},
        limits=_clean_limits(observation.limits),
    )


def _clean_limits(limits: object) -> tuple[float, ...]:
    if not isinstance(limits, tuple | list):
        raise CheckFailed("the check returned a Measurement whose limits are not a list")
    return tuple(
        float(limit)
        for limit in limits[:MAX_LIMITS]
        if isinstance(limit, int | float) and _is_finite(limit)
    )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False


def _clean_mapping(kind: str, what: str, values: object, limit: int) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise CheckFailed(f"the check returned a {kind} whose {what}s are not a mapping")
    cleaned = {}
    for name, value in values.items():
        if not isinstance(name, str) or not LABEL_NAME.fullmatch(name):
            raise CheckFailed(f"the check returned a {kind} with the {what} name {name!r}")
        if not isinstance(value, str):
            raise CheckFailed(f"the check returned a {kind} whose {what} {name} is not a text")
        text = clean_text(value, limit) if what == "annotation" else clean_label(value)
        if text:
            cleaned[name] = text
    return cleaned
