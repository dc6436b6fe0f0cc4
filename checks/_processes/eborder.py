"""The protocol of the legacy agent's modules.

A module takes JSON as its argument, and prints a JSON array of events. Used by `command`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NoReturn, TypeAlias

from supervisor.api import Condition, Observation, Report

Kind: TypeAlias = Literal["auto", "reports", "conditions"]
"""What events become. With "auto" their type decides."""

PLACEHOLDER = re.compile(r"\{secret:([A-Za-z0-9_.@-]+)\}")
"""What stands in the JSON for a secret."""


class InvalidEvents(ValueError):
    """The output of a module is not an array of events."""


def secret_names(text: str) -> frozenset[str]:
    """Return the names of the secrets that a JSON text asks for."""
    return frozenset(PLACEHOLDER.findall(text))


def encode(value: object) -> str:
    """Return a value as JSON in the form of Ruby's `to_json`: compact, with UTF-8 unescaped.

    Raises `ValueError` for a value that JSON cannot hold.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def decode(text: str) -> Any:
    """Return the value of a JSON text. Raises `ValueError` for any other text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_argument(text: str) -> None:
    """Raise `ValueError` unless the text is JSON once its secrets are filled in.

    A placeholder may stand inside a string, or in the place of a number.
    """
    encode(decode(PLACEHOLDER.sub("0", text)))


def argument(text: str, secrets: Mapping[str, str], at: tuple[str, ...]) -> str:
    """Return the JSON for a module, with its secrets and its times of the day.

    Raises `ValueError` when a secret does not fit in its place.
    """
    try:
        value = decode(PLACEHOLDER.sub(lambda match: escaped(secrets[match[1]]), text))
    except ValueError:
        raise ValueError("a secret does not fit where the JSON asks for it") from None
    if at and isinstance(value, dict):
        value["ExecuteTimes"] = f"{at[0]},{at[-1]}"
    return encode(value)


def escaped(secret: str) -> str:
    """Return a secret as it is written inside a JSON string."""
    return encode(secret)[1:-1]


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text with each secret masked, both in its plain form and in its JSON form."""
    forms = {form for secret in secrets if secret for form in (secret, escaped(secret))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "[secret]")
    return text


def observations(stdout: str, kind: Kind, secrets: Collection[str]) -> list[Observation]:
    """Return the observations that the events stand for, with each secret masked.

    Raises `ValueError` for output that is not an array of events.
    """
    events = decode(stdout)
    if not isinstance(events, list):
        raise InvalidEvents(f"the JSON is {_type_name(events)}, not an array")
    return [_observation(event, number, kind, secrets) for number, event in enumerate(events, 1)]


def _observation(event: object, number: int, kind: Kind, secrets: Collection[str]) -> Observation:
    if not isinstance(event, dict):
        raise InvalidEvents(f"event {number} is {_type_name(event)}, not an object")

    def text(key: str) -> str:
        value = event.get(key)
        if not isinstance(value, str | None):
            raise InvalidEvents(f"{key} of event {number} is {_type_name(value)}, not a string")
        return redact(value or "", secrets)

    event_type = text("EventType") or "I"
    service, event_time = text("ServiceName"), text("EventTime")
    report = event_type.endswith("I") if kind == "auto" else kind == "reports"
    fields: dict[str, Any] = {
        "alertname": text("EventName") or "Unknown",
        "event_type": event_type,
        "message": text("EventMessage"),
        "detail": text("EventDetailMessage"),
    }
    labels = {"service": service} if service else {}
    annotations = {"event_time": event_time} if event_time else {}
    if report:
        return Report(**fields, labels=labels, annotations=annotations)
    return Condition(**fields, instance="", labels=labels, annotations=annotations)


def _type_name(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
