"""What several checks do with their limits: rules for each number, and words in messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import Attribute, field

from checks._common.validators import Rule, Validator
from supervisor.api import Limit


def each_number(rule: Validator) -> Validator:
    """Return a validator that applies the rule to each number of a limit."""

    def refuse(params: object, attribute: Attribute[Any], limit: Limit[Any] | None) -> None:
        if limit is None:
            return
        for number in limit.numbers if limit.clear is None else (*limit.numbers, limit.clear):
            rule(params, attribute, number)

    schema = getattr(rule, "schema", {})
    return Rule(refuse, {**schema, "additionalProperties": schema})


def limit_field(order: Validator, text: str, rule: Validator | None = None) -> Any:
    """Return the field of a limit that may be left out. `text` is its help.

    `rule` says which numbers are right, whatever their order.
    """
    validators = [order] if rule is None else [each_number(rule), order]
    return field(default=None, validator=validators, metadata={"help": text})


def compared(words: str, limit: Limit[Any], show: Callable[[Any], str] = "{:g}".format) -> str:
    """Return how a value stands to a limit: ", more than 5", or " (limit W 5, E 9)"."""
    return (
        f"{words} {show(limit.numbers[0])}" if limit.is_plain else f" (limit {limit.words(show)})"
    )
