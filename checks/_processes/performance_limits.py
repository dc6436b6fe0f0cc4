"""Limits of our own for the performance data of a monitoring plugin. Used by `command`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import Attribute, evolve, frozen

from checks._common.limits import compared
from checks._common.printable import shown
from checks._common.validators import Validator
from supervisor.api import Condition, Limit, Measurement

SHOW = "{:,.10g}".format
"""Shows a value or a limit."""


@frozen
class PerformanceLimits:
    """Which values of a plugin's performance data are wrong, by their labels."""

    maxima: Mapping[str, Limit[float]]
    """What values should not be above."""

    minima: Mapping[str, Limit[float]]
    """What values should not be below."""

    event_type: str
    """The event type of a limit that is a plain number."""

    def conditions(self, measured: Sequence[Measurement], alertname: str) -> Iterator[Condition]:
        """Yield a condition for each wrong value. The label of the value is its instance."""
        for item in measured:
            upper, lower = self.maxima.get(item.name), self.minima.get(item.name)
            if upper and (crossing := upper.above(item.value, self.event_type)):
                message = _message(item, compared(", more than", upper, SHOW))
                yield crossing.condition(alertname, item.name, message)
            if lower and (crossing := lower.below(item.value, self.event_type)):
                message = _message(item, compared(", less than", lower, SHOW))
                yield crossing.condition(alertname, item.name, message)

    def unknown(self, measured: Sequence[Measurement], program: str) -> Iterator[Condition]:
        """Yield a condition for each limit of a value that the plugin did not print."""
        known = {item.name for item in measured}
        for label in dict.fromkeys((*self.maxima, *self.minima)):
            if label not in known:
                labels = ", ".join(shown(name, 60) for name in sorted(known)) or "none"
                message = (
                    f"cannot judge {label}: {program} prints no such value; it prints {labels}"
                )
                yield Condition("Value unreadable", "E", label, message)

    def drawn(self, item: Measurement) -> Measurement:
        """Return a value with our limits beside it, if there are any."""
        found = (self.maxima.get(item.name), self.minima.get(item.name))
        numbers = tuple(number for limit in found if limit for number in limit.numbers)
        return evolve(item, limits=numbers) if numbers else item


def each_in_order(order: Validator) -> Validator:
    """Return a validator for a table of limits by label."""

    def validate(
        params: object, attribute: Attribute[Any], limits: Mapping[str, Limit[float]]
    ) -> None:
        for label, limit in limits.items():
            try:
                order(params, attribute, limit)
            except ValueError as error:
                raise ValueError(f"{label}: {error}") from None

    return validate


def _message(item: Measurement, limit: str) -> str:
    return f"{item.name} is {SHOW(item.value)}{item.unit}{limit}"
