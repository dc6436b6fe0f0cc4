"""Alerts as the Alertmanager API v2 takes them: cleaned, labelled, encoded, dated. Pure.

Everything is checked here before it is stored, so that what the ledger holds can be posted.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import evolve

from supervisor.config.service import Module, Service
from supervisor.errors import CheckFailed
from supervisor.observations import Condition, Measurement, Observation, Report

LABEL_LIMIT = 1024
MESSAGE_LIMIT = 4 * 1024
DETAIL_LIMIT = 256 * 1024
"""Bytes of UTF-8."""

RESERVED_LABELS = frozenset({"alertname", "check", "event_id", "event_type", "host", "instance"})
SEVERITY = ("I", "S", "W", "E", "TE")
"""When two observations of one identity differ in type, the later in this order wins."""

_CUT = "… (cut)"
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\r\n]+")


def clean_text(text: str, limit: int) -> str:
    """Return text that any peer stores as it is: valid, without controls, at most `limit` bytes."""
    text = _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(_CUT.encode())].decode(errors="ignore") + _CUT


def clean_label(text: str) -> str:
    """Return a label's value: one line of clean text."""
    return clean_text(_LINE_BREAKS.sub(" ", text), LABEL_LIMIT)


def clean_observation(observation: object) -> Observation:
    """Return the observation with its texts cleaned; raises `CheckFailed` when it is nonsense."""
    if not isinstance(observation, Condition | Report):
        return _measurement(observation)
    kind = type(observation).__name__
    for name in ("alertname", "event_type", "message", "detail"):
        if not isinstance(getattr(observation, name), str):
            raise CheckFailed(f"the check returned a {kind} whose {name} is no text")
    if not observation.alertname or not observation.event_type:
        raise CheckFailed(f"the check returned a {kind} without alertname or event_type")
    cleaned = evolve(
        observation,
        alertname=clean_label(observation.alertname),
        event_type=clean_label(observation.event_type),
        message=clean_text(observation.message, MESSAGE_LIMIT),
        detail=clean_text(observation.detail, DETAIL_LIMIT),
        labels=_clean_mapping(kind, "label", observation.labels, LABEL_LIMIT),
        annotations=_clean_mapping(kind, "annotation", observation.annotations, MESSAGE_LIMIT),
    )
    if isinstance(cleaned, Report):
        return cleaned
    if not isinstance(cleaned.instance, str):
        raise CheckFailed("the check returned a Condition whose instance is no text")
    return evolve(cleaned, instance=clean_label(cleaned.instance))


def merge(first: Condition, second: Condition) -> Condition:
    """Return two observations of one identity as one: all messages, the graver type."""
    graver = max(first.event_type, second.event_type, key=_severity)
    lines = dict.fromkeys((*first.message.split("\n"), *second.message.split("\n")))
    details = dict.fromkeys(filter(None, (first.detail, second.detail)))
    return Condition(
        first.alertname,
        graver,
        first.instance,
        clean_text("\n".join(lines), MESSAGE_LIMIT),
        clean_text("\n".join(details), DETAIL_LIMIT),
        {**second.labels, **first.labels},
        {**second.annotations, **first.annotations},
    )


def alert_labels(
    service: Service, module: Module, observation: Condition | Report, event_id: str = ""
) -> dict[str, str]:
    """Return the labels of an alert, which are its identity at every peer."""
    own = {name: value for name, value in observation.labels.items() if name not in RESERVED_LABELS}
    labels = {
        "service": service.service,
        **service.labels,
        **module.labels,
        **own,
        "alertname": observation.alertname,
        "event_type": observation.event_type,
        "check": module.name,
        "event_id": event_id,
    }
    if isinstance(observation, Condition):
        labels["instance"] = observation.instance
    # Alertmanager drops empty labels and so would see another fingerprint.
    return {name: value for name, value in sorted(labels.items()) if value}


def event_id(service: Service, module: str, scheduled: float, alertname: str, ordinal: int) -> str:
    """Return what tells one report from all others, the same whenever it is made again."""
    host = service.labels.get("host", "")
    return digest((service.service, host, module, f"{scheduled:.3f}", alertname, str(ordinal)))


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the identity of a set of labels."""
    return digest(part for pair in sorted(labels.items()) for part in pair)


def digest(parts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that stand for the parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def alert_annotations(
    service: Service,
    module: Module,
    observation: Condition | Report,
    starts_at: float,
    **extra: str,
) -> dict[str, str]:
    """Return the annotations of an alert that began at `starts_at`."""
    found = {
        **module.annotations,
        "event_time": local_time(starts_at, service.timezone),
        **observation.annotations,
        "message": observation.message,
        "detail": observation.detail,
        **extra,
    }
    return {name: value for name, value in found.items() if value or name == "message"}


def encode(labels: Mapping[str, str], notes: Mapping[str, str], generator_url: str = "") -> bytes:
    """Return the alert's JSON object without its times and closing brace."""
    body: dict[str, object] = {"labels": labels, "annotations": notes}
    if generator_url:
        body["generatorURL"] = generator_url
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[:-1]


def decode(body: bytes) -> tuple[dict[str, str], dict[str, str], str]:
    """Return labels, annotations and generator URL of an encoded body."""
    alert = json.loads(body + b"}")
    return alert["labels"], alert["annotations"], alert.get("generatorURL", "")


def annotate(body: bytes, **changes: str) -> bytes:
    """Return the body with annotations set, or removed where the new value is empty."""
    labels, notes, url = decode(body)
    notes |= changes
    return encode(
        labels, {name: value for name, value in notes.items() if value or name == "message"}, url
    )


def dated(body: bytes, starts_at: float, ends_at: float) -> bytes:
    """Return the whole JSON object of one alert."""
    return body + _times(starts_at, ends_at)


@lru_cache(1024)  # the alerts of one batch share most of their times
def _times(starts_at: float, ends_at: float) -> bytes:
    return f',"startsAt":"{rfc3339(starts_at)}","endsAt":"{rfc3339(ends_at)}"}}'.encode()


@lru_cache(1024)
def rfc3339(moment: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC with milliseconds and `Z`."""
    text = datetime.fromtimestamp(round(moment, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def local_time(moment: float, timezone: ZoneInfo) -> str:
    """Return the `YYYY-MM-DD HH:MM:SS` that the mail templates show."""
    return datetime.fromtimestamp(moment, timezone).strftime("%Y-%m-%d %H:%M:%S")


def _measurement(observation: object) -> Observation:
    if not isinstance(observation, Measurement):
        raise CheckFailed(
            f"the check returned {type(observation).__name__}, "
            "which is no Condition, Report or Measurement"
        )
    if not isinstance(observation.name, str) or not isinstance(observation.value, int | float):
        raise CheckFailed("the check returned a Measurement without a name or a number")
    if not isinstance(observation.labels, Mapping):
        raise CheckFailed("the check returned a Measurement whose labels are no mapping")
    if not _is_finite(observation.value):
        name = clean_label(observation.name)
        raise CheckFailed(f"the check returned the Measurement {name!r} without a finite number")
    return Measurement(
        clean_label(observation.name),
        observation.value,
        clean_label(str(observation.unit)),
        {clean_label(str(key)): clean_label(str(text)) for key, text in observation.labels.items()},
    )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False


def _clean_mapping(kind: str, what: str, values: object, limit: int) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise CheckFailed(f"the check returned a {kind} whose {what}s are no mapping")
    cleaned = {}
    for name, value in values.items():
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
            raise CheckFailed(f"the check returned a {kind} with the {what} name {name!r}")
        if not isinstance(value, str):
            raise CheckFailed(f"the check returned a {kind} whose {what} {name} is no text")
        text = clean_text(value, limit) if what == "annotation" else clean_label(value)
        if text:
            cleaned[name] = text
    return cleaned


def _severity(event_type: str) -> int:
    # Legacy types may be longer words that end in the letter, such as "SI".
    return next((rank for rank, kind in enumerate(SEVERITY) if event_type == kind), 1)
