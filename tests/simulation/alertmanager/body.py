"""The answers to a POST to /api/v2/alerts, and the values in its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from attrs import frozen

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""What the name of a label or an annotation must look like."""

NO_TIME = "0001-01-01T00:00:00"
"""How a time begins that Go writes for "not set"."""


@frozen
class Answer:
    """The status and the body of an answer."""

    status: int = 200
    body: str = ""


ACCEPTED = Answer()
"""Every alert was taken."""


@lru_cache(maxsize=4096)
def seconds(text: str) -> float | None:
    """Return the Unix time; None for a time that is not set. ValueError if it is not a time."""
    if not text or text.startswith(NO_TIME):
        return None
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def is_url(text: str) -> bool:
    return text.startswith("/") or "://" in text


def refusal(body: object) -> Answer:
    """Return the answer to a body of which nothing is taken."""
    if body is None:
        return ACCEPTED
    if not isinstance(body, Sequence) or isinstance(body, str):
        return _unreadable("cannot unmarshal object into Go value of type models.PostableAlerts")
    answers = [*map(_unreadable_alert, body), *(_incomplete(*each) for each in enumerate(body))]
    return next(answer for answer in answers if answer is not None)


def _unreadable_alert(alert: object) -> Answer | None:
    if not isinstance(alert, Mapping):
        return _unreadable("cannot unmarshal string into Go value of type models.PostableAlert")
    for field in ("labels", "annotations"):
        texts = alert.get(field) or {}
        if not isinstance(texts, Mapping) or not all(isinstance(v, str) for v in texts.values()):
            return _unreadable(f"cannot unmarshal Go struct field Alert.{field} of type string")
    for field in ("startsAt", "endsAt"):
        try:
            seconds(alert.get(field) or "")
        except (ValueError, TypeError):
            return _unreadable(f'parsing time "{alert[field]}"')
    return None


def _incomplete(at: int, alert: Mapping[str, Any]) -> Answer | None:
    if alert.get("labels") is None:
        return _invalid(602, f"{at}.labels in body is required")
    url = alert.get("generatorURL")
    if url and not is_url(url):
        return _invalid(601, f'{at}.generatorURL in body must be of type uri: "{url}"')
    return None


def _unreadable(why: str) -> Answer:
    message = f'parsing alerts body from "" failed, because {why}'
    return Answer(400, json.dumps({"code": 400, "message": message}))


def _invalid(code: int, message: str) -> Answer:
    return Answer(422, json.dumps({"code": code, "message": message}))


@lru_cache(maxsize=4096)
def wrong_name(texts: tuple[tuple[str, str], ...]) -> str | None:
    """Return what is said of the first name that no label or annotation may have.

    TypeError if something is not a text.
    """
    for name, value in texts:
        if not isinstance(value, str):
            raise TypeError(name)
        if not NAME.fullmatch(name):
            return f"invalid name {json.dumps(name)}"
    return None
