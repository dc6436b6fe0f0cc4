"""What several checks ask of their parameters: names, event types, hosts, ports, times, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, TypeAlias

from attrs import Attribute, frozen

from supervisor.api import Duration

Validator: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]
"""What attrs calls with the object, the field and its value."""


@frozen
class Rule:
    """A validator that also says in JSON Schema what it accepts. Editors read that."""

    refuse: Validator
    schema: Mapping[str, object]
    """Keywords of JSON Schema, such as `{"minimum": 0}`."""

    def __call__(self, params: object, attribute: Attribute[Any], value: Any) -> None:
        self.refuse(params, attribute, value)


def not_blank(remedy: str) -> Validator:
    """Return a validator that refuses a text without a visible character."""

    def validate(_params: object, _: Attribute[str], value: str) -> None:
        if not value.strip():
            raise ValueError(f"is empty; {remedy}")

    return Rule(validate, {"pattern": r"\S"})


def only_for_each(key: str) -> Validator:
    """Return a validator that refuses a value unless the entry's `key` is `*`."""

    def validate(entry: object, _: Attribute[Any], value: object) -> None:
        if value and getattr(entry, key) != "*":
            raise ValueError(f'is only for {key} = "*"; remove it')

    return validate


is_event_type = not_blank("write for example 'E'")
"""Refuses an event type without a visible character."""


def is_host(_params: object, _: Attribute[str], value: str) -> None:
    """Raises `ValueError` for what cannot be an IP address or a name."""
    if not value or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is not a host; write an IP address or a name")


def _is_port(_params: object, _: Attribute[int], value: int) -> None:
    if not 0 < value < 65536:
        raise ValueError(f"{value} is not a port; write a number from 1 to 65535")


is_port = Rule(_is_port, {"minimum": 1, "maximum": 65535})
"""Refuses a number that no TCP or UDP port can have."""


def _is_positive(_params: object, _: Attribute[Duration], value: Duration) -> None:
    if value <= 0:
        raise ValueError("is 0 or less; write for example '10s'")


is_positive = Rule(_is_positive, {"exclusiveMinimum": 0, "pattern": "[1-9]"})
"""Refuses a duration in which nothing can happen, as a number and as text."""


def _is_not_negative(_params: object, _: Attribute[float], value: float) -> None:
    if value < 0:
        raise ValueError(f"{value} is less than 0; write 0 or more")


is_not_negative = Rule(_is_not_negative, {"minimum": 0})
"""Refuses a number below 0."""


def _is_one_or_more(_params: object, _: Attribute[int | None], value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{value} is less than 1; write 1 or more")


is_one_or_more = Rule(_is_one_or_more, {"minimum": 1})
"""Refuses a number below 1."""


def count_of(what: str) -> Validator:
    """Return a validator that refuses a number below 0."""

    def validate(_params: object, _: Attribute[int | None], value: int | None) -> None:
        if value is not None and value < 0:
            raise ValueError(f"{value} is not a number of {what}; write 0 or more")

    return Rule(validate, {"minimum": 0})


def up_to(limit: int, what: str) -> Validator:
    """Return a validator that refuses a number below 0 or above the limit."""

    def validate(_params: object, _: Attribute[int], value: int) -> None:
        if not 0 <= value <= limit:
            raise ValueError(f"{value} is not {what}; write a number from 0 to {limit}")

    return Rule(validate, {"minimum": 0, "maximum": limit})


def _is_not_empty(_params: object, _: Attribute[Any], value: Collection[object]) -> None:
    if not value:
        raise ValueError("is empty; write at least one, or remove the module")


is_not_empty = Rule(_is_not_empty, {"minItems": 1})
"""Refuses an empty list: it would look as if something were watched."""


def unique(
    key: Callable[[Any], Hashable],
    *,
    shown: Callable[[Any], object] | None = None,
    remedy: str = "give each its own name",
) -> Validator:
    """Return a validator that refuses a list in which two items have the same key.

    The message names them by `shown`, or else by the key.
    """

    def validate(_params: object, _: Attribute[Any], value: Collection[Any]) -> None:
        counts = Counter(map(key, value))
        repeated = (item for item in value if counts[key(item)] > 1)
        if names := sorted({str((shown or key)(item)) for item in repeated}):
            raise ValueError(f"has {', '.join(names)} more than once; {remedy}")

    return validate
