"""A silence of Alertmanager, its matchers, and its JSON. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from supervisor.errors import SupervisorError
from supervisor.text import rfc3339

T = TypeVar("T")

MARK = "until resolved: "
"""How the comment of a silence begins that ends with its alert.

Alertmanager keeps the comment, so the supervisor finds such silences again after a restart.
"""

ACTIVE = ("active", "pending")
"""The states of a silence that has not ended."""

LIFETIME = 3600.0
"""Seconds for which one that ends with its alert lasts if it is not extended. A reboot fits in."""

MAX_ID = 64
"""Characters of an ID at most."""

Key: TypeAlias = tuple[str, str, str]
"""Module, alertname and instance: the condition that a silence belongs to."""

_ESCAPED = re.compile(r'(["\\])')

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading a peer's JSON raises if it is not what Alertmanager writes."""


class AnswerUnreadable(SupervisorError):
    """A peer's answer is not what Alertmanager answers."""


@frozen
class Matcher:
    """One condition on one label."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        """Return it as `amtool` takes it: `host="shop1"`."""
        operator = {
            (False, True): "=",
            (False, False): "!=",
            (True, True): "=~",
            (True, False): "!~",
        }[self.is_regex, self.is_equal]
        value = _ESCAPED.sub(r"\\\1", self.value).replace("\n", "\\n")
        return f'{self.name}{operator}"{value}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels meet it. A regular expression is said to match."""
        if self.is_regex:
            return True
        return (labels.get(self.name, "") == self.value) is self.is_equal


@frozen(kw_only=True)
class Silence:
    """A silence as one Alertmanager has it."""

    id: str = ""
    """Empty for one that is to be made."""

    matchers: tuple[Matcher, ...]
    """An alert that meets all of them is silent."""

    starts_at: str
    """When it begins, as the peer writes it."""

    ends_at: float
    """When it ends, in Unix seconds by the peer's clock."""

    created_by: str
    """Who made it."""

    comment: str
    """Why."""

    state: str = "active"
    """`active`, `pending` or `expired`; `waiting` if no Alertmanager has taken it yet."""

    @property
    def is_until_resolved(self) -> bool:
        """Whether it ends with its alert."""
        return self.comment.startswith(MARK)

    def is_over(self, now: float) -> bool:
        """Return whether its time is over. One that ends with its alert is extended."""
        return self.ends_at <= now and not self.is_until_resolved

    @property
    def key(self) -> Key:
        """The condition that it belongs to, if it ends with its alert."""
        values = {each.name: each.value for each in self.matchers}
        return values.get("check", ""), values.get("alertname", ""), values.get("instance", "")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether it silences an alert with these labels."""
        return all(each.matches(labels) for each in self.matchers)

    def may_match(self, labels: Mapping[str, str]) -> bool:
        """Return whether it may silence an alert that has these labels, and others besides."""
        return all(each.matches(labels) for each in self.matchers if each.name in labels)

    def body(self) -> bytes:
        """Return what POST /api/v2/silences takes."""
        document: dict[str, object] = {
            "matchers": [
                {
                    "name": each.name,
                    "value": each.value,
                    "isRegex": each.is_regex,
                    "isEqual": each.is_equal,
                }
                for each in self.matchers
            ],
            "startsAt": self.starts_at,
            "endsAt": rfc3339(self.ends_at),
            "createdBy": self.created_by,
            "comment": self.comment,
        }
        if self.id:
            document["id"] = self.id
        return json.dumps(document, ensure_ascii=False).encode()


def read_id(body: bytes) -> str:
    """Return the ID of the silence that a peer has made. Raises `AnswerUnreadable`."""
    document = decoded(body)
    found = document.get("silenceID") if isinstance(document, dict) else None
    if not isinstance(found, str) or not found or len(found) > MAX_ID:
        raise AnswerUnreadable("its answer does not have the ID of a silence")
    return found


def read_one(body: bytes) -> Silence:
    """Return the silence of GET /api/v2/silence/ID. Raises `AnswerUnreadable`."""
    for silence in read_each([decoded(body)], silence_of):
        return silence
    raise AnswerUnreadable("its answer is not a silence")


def read_list(body: bytes) -> list[Silence]:
    """Return the silences of GET /api/v2/silences. Raises `AnswerUnreadable`."""
    return [*read_each(decoded(body), silence_of)]


def read_each(document: object, read: Callable[[Any], T]) -> Iterator[T]:
    """Yield what `read` makes of each item of a list. Items that are malformed are left out.

    Raises `AnswerUnreadable` if it is not a list.
    """
    if not isinstance(document, list):
        raise AnswerUnreadable("its answer is not a list")
    for item in document:
        try:
            yield read(item)
        except _MALFORMED:
            continue


def decoded(body: bytes) -> object:
    """Return the JSON of an answer. Raises `AnswerUnreadable`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerUnreadable("its answer is not JSON, or it is too long") from None


def silence_of(item: Any) -> Silence:
    """Return the silence of an item of a list. Raises one of several errors if it is malformed."""
    return Silence(
        id=_text(item["id"])[:MAX_ID],
        matchers=tuple(
            Matcher(
                _text(each["name"]),
                _text(each["value"]),
                is_regex=bool(each["isRegex"]),
                is_equal=bool(each.get("isEqual", True)),
            )
            for each in item["matchers"]
        ),
        starts_at=_moment(item["startsAt"]),
        ends_at=datetime.fromisoformat(item["endsAt"]).timestamp(),
        created_by=_text(item["createdBy"]),
        comment=_text(item["comment"]),
        state=_text(item["status"]["state"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _moment(value: object) -> str:
    text = _text(value)
    datetime.fromisoformat(text)
    return text
