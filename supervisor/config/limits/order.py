"""Validators of attrs: the numbers of a limit are in an order in which each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import Attribute, frozen

from supervisor.config.limits.limit import CLEAR, Limit
from supervisor.text import duration, written_size

_SHOWN: Mapping[str, Callable[[float], str]] = {"Duration": duration, "Size": written_size}
"""How numbers are written in messages, by the name of their type. Others are plain numbers."""


@frozen
class Order:
    """A validator. A parameter that is None has no limit, and that is right."""

    sign: int
    """1: a value should not be more than the limit. -1: it should not be less."""

    def __call__(
        self, _params: object, attribute: Attribute[Any], value: Limit[Any] | None
    ) -> None:
        """Raise `ValueError` if some number would never count."""
        if value is None:
            return
        # The type is text where the annotations of its class are not resolved.
        type_name = str(attribute.type)
        show = next((show for name, show in _SHOWN.items() if name in type_name), "{:g}".format)
        kinds: dict[float, str] = {}
        for kind, number in value.levels:
            if number in kinds:
                same = f"{kinds[number]} and {kind} are both {show(number)}"
                raise ValueError(f"{same}, so one of them never fires; give each its own number")
            kinds[number] = kind
        numbers = dict(value.levels)
        if {"W", "E"} <= numbers.keys() and self.sign * (numbers["E"] - numbers["W"]) < 0:
            error, side, warning = show(numbers["E"]), self._before, show(numbers["W"])
            wrong = f"E ({error}) is {side} W ({warning}), so W never fires"
            raise ValueError(f"{wrong}; exchange the two numbers")
        first = min(kinds, key=lambda number: self.sign * number)
        if value.clear is not None and self.sign * (value.clear - first) > 0:
            side = "above" if self.sign > 0 else "below"
            wrong = f"{CLEAR} ({show(value.clear)}) is {side} {kinds[first]} ({show(first)})"
            raise ValueError(f"{wrong}; write {show(first)}, or a number {self._before} it")

    @property
    def _before(self) -> str:
        return "below" if self.sign > 0 else "above"


upper_limit = Order(1)
"""For a limit that a value should not be above. A graver type has the greater number."""

lower_limit = Order(-1)
"""For a limit that a value should not be below. A graver type has the smaller number."""
