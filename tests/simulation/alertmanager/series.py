"""A set of labels: what makes two posts the same alert."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, cmp_to_key
from typing import Any

from attrs import define

FIRST_IN_ORDER = ("job", "instance")
"""Labels by which alerts of a notification are ordered before all others."""

FNV_OFFSET = 14_695_981_039_346_656_037
FNV_PRIME = 1_099_511_628_211
"""The constants of FNV-1a with 64 bits."""


@define(eq=False, slots=False)
class Series:
    """Labels without empty values. An Alertmanager has one object for each set."""

    labels: Mapping[str, str]
    problem: str | None = None
    """Why no alert may have these labels."""

    @cached_property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The labels in a form that is the same in all Alertmanagers."""
        return tuple(sorted(self.labels.items()))

    @cached_property
    def fingerprint(self) -> str:
        """What the API shows as `fingerprint`."""
        value = FNV_OFFSET
        for pair in self.key:
            for part in pair:
                for byte in part.encode() + b"\xff":
                    value = (value ^ byte) * FNV_PRIME % 2**64
        return f"{value:016x}"


def _compare(one: Series, two: Series) -> int:
    for name in FIRST_IN_ORDER:
        first, second = one.labels.get(name), two.labels.get(name)
        if first == second:
            continue
        if first is None or second is None:
            return 1 if first is None else -1
        return -1 if first < second else 1
    return _compare_all(one.labels, two.labels)


def _compare_all(one: Mapping[str, str], two: Mapping[str, str]) -> int:
    if len(one) != len(two):
        return len(one) - len(two)
    for name in sorted({*one, *two}):
        first, second = one.get(name), two.get(name)
        if first != second:
            return -1 if first is None or (second is not None and first < second) else 1
    return 0


def _series_of(thing: Any) -> Series:
    series: Series = thing.series
    return series


_ordered = cmp_to_key(_compare)


def in_order(thing: Any) -> Any:
    """Return the key by which alerts of a notification are sorted."""
    return _ordered(_series_of(thing))
