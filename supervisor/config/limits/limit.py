"""A limit of a number, and what a value is worth against it. Pure.

A service file has one number, `90`, or a table, `{ W = 80, E = 95, clear = 75 }`. See
docs/reference/service-file.md for the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Self, TypeVar

from attrs import frozen

from supervisor.observations import Condition

EVENT_TYPES = ("W", "E", "S", "I")
"""The event types that a table of limits may name. W is less grave than E."""

CLEAR = "clear"
"""The key of such a table that is not an event type."""

Number = TypeVar("Number", bound=float)
"""The type of a limit's numbers, such as `int` or `Duration`."""


@frozen
class Crossing:
    """What a value is worth that lies beyond a limit, or in the band before it."""

    event_type: str
    """The event type that the value has now."""

    sustain: bool = False
    """Whether the value is only in the band: what fires goes on, and nothing new fires."""

    keeps: tuple[str, ...] = ()
    """Graver event types: an alert that fires with one of them keeps it."""

    def condition(
        self,
        alertname: str,
        instance: str,
        message: str,
        *,
        detail: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Condition:
        """Return the condition that the value makes true."""
        return Condition(
            alertname,
            self.event_type,
            instance,
            message,
            detail=detail,
            labels=labels or {},
            sustain=self.sustain,
            keeps=self.keeps,
        )


@frozen
class Limit(Generic[Number]):
    """Up to which number, or from which number on, a value is right."""

    levels: tuple[tuple[str, Number], ...]
    """Event types with their numbers. A plain number has no type of its own: it is empty."""

    clear: Number | None = None
    """Where a condition ends that fires. None: at the number where it begins."""

    @classmethod
    def of(cls, number: Number) -> Self:
        """Return the limit that a plain number stands for."""
        return cls((("", number),))

    @property
    def value(self) -> Number | Mapping[str, Number]:
        """What a service file has for it: the number, or the table."""
        if self.is_plain:
            return self.levels[0][1]
        return dict(self.levels) if self.clear is None else {**dict(self.levels), CLEAR: self.clear}

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers at which a condition begins or changes its type."""
        return tuple(number for _, number in self.levels)

    @property
    def lowest(self) -> Number:
        """The lowest number at which a condition begins or ends."""
        return min(self.numbers if self.clear is None else (*self.numbers, self.clear))

    @property
    def is_plain(self) -> bool:
        """Whether it is one number, and not a table."""
        return not self.levels[0][0]

    def above(self, value: float, event_type: str) -> Crossing | None:
        """Return what a value is worth that should not be more. None: it is right.

        `event_type` is the type of a plain number.
        """
        return judge(self, value, sign=1, event_type=event_type)

    def below(self, value: float, event_type: str) -> Crossing | None:
        """Return what a value is worth that should not be less. None: it is right.

        `event_type` is the type of a plain number.
        """
        return judge(self, value, sign=-1, event_type=event_type)

    def words(self, show: Callable[[Number], str] = "{:g}".format) -> str:
        """Return it for a message: "90 %", or "W 80 %, E 95 %, clear 75 %"."""
        clear = () if self.clear is None else ((CLEAR, self.clear),)
        return ", ".join(
            f"{name} {show(number)}".lstrip() for name, number in (*self.levels, *clear)
        )


def judge(limit: Limit[Number], value: float, *, sign: int, event_type: str) -> Crossing | None:
    """Return what a value is worth. `sign` is 1 if it should not be more, -1 if not less.

    The type is that of the farthest number that the value has passed. What fires keeps its type
    until the value is as far before that type's number as `clear` is before the first number.
    """
    levels = sorted(((sign * number, kind) for kind, number in limit.levels))
    at, (first, weakest) = sign * value, levels[0]
    passed = [kind for number, kind in levels if at > number]
    graver = levels[len(passed) or 1 :]
    keeps: list[str] = []
    if limit.clear is not None:
        clear = sign * limit.clear
        if not passed and at < clear:
            return None
        keeps = [kind for number, kind in graver if at >= clear + (number - first)]
    elif not passed:
        return None
    found = passed[-1] if passed else weakest
    return Crossing(found or event_type, sustain=not passed, keeps=tuple(keeps))
