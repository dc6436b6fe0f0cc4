"""The last values of a module's measurements, for its page. Kept only where there is a page."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import islice
from typing import TypeAlias

from attrs import define, field

from supervisor.observations import Measurement

MAX_VALUES = 100
"""Values that are remembered of each measurement."""

MAX_SERIES = 24
"""Measurements of a module whose values are remembered. Of the others the page shows the last."""

Series: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""What tells a measurement from the others of its module: its name and its labels."""


def series_of(item: Measurement) -> Series:
    """Return which series a measurement belongs to."""
    return item.name, tuple(item.labels.items())


@define
class RecentValues:
    """The last `MAX_VALUES` of each of the first `MAX_SERIES` measurements, in about 20 kB at most.

    A measurement that the last run did not make is forgotten.
    """

    values: dict[Series, array[float]] = field(factory=dict)
    """The values by their series, the oldest first."""

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Remember what one run has measured."""
        known, self.values = self.values, {}
        for item in islice(measurements, MAX_SERIES):
            series = series_of(item)
            kept = known.get(series)
            if kept is None:
                kept = array("d")
            elif len(kept) == MAX_VALUES:
                del kept[0]
            try:
                kept.append(item.value)
            except OverflowError:  # an integer of more than 308 digits
                continue
            self.values[series] = kept

    def copy(self) -> RecentValues:
        """Return a copy, for a thread."""
        return RecentValues({series: kept[:] for series, kept in self.values.items()})
