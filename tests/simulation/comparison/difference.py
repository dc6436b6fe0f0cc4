"""What differs between two outcomes of a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from tests.simulation.comparison.outcome import Group, Outcome, Seen, SeenAlert

TOLERANCE = 0.5
"""Seconds by which a notification may be earlier or later: less than half of a group interval."""

TIME_TOLERANCE = 0.25
"""Seconds by which start and end of an alert may differ: they come of the time of a post."""

LAST_MOMENTS = 0.7
"""Seconds at the end in which one may have sent what the other has not sent yet."""


def differences(expected: Outcome, found: Outcome, until: float) -> Iterator[str]:
    """Yield what differs."""
    groups, others = expected.groups(), found.groups()
    for group in sorted({*groups, *others}):
        yield from _of_group(group, groups.get(group, []), others.get(group, []), until)
    for one, two in zip_longest(expected.lists, found.lists):
        if not _same_alerts(one, two):
            yield f"list: {one} and {two}"
    for first, second in zip_longest(expected.answers, found.answers):
        if first != second:
            yield f"answer: {first} and {second}"


def _of_group(
    group: Group, expected: Sequence[Seen], found: Sequence[Seen], until: float
) -> Iterator[str]:
    for one, two in zip_longest(expected, found):
        if one is None or two is None:
            if (one or two).at < until - LAST_MOMENTS:
                yield f"{group}: {_short(one)} and {_short(two)}"
        elif abs(one.at - two.at) > TOLERANCE or not _same_alerts(one.alerts, two.alerts):
            yield f"{group}: {_short(one)} and {_short(two)}"


def _same_alerts(one: Sequence[SeenAlert] | None, two: Sequence[SeenAlert] | None) -> bool:
    if one is None or two is None or len(one) != len(two):
        return False
    return all(map(_same_alert, one, two))


def _same_alert(one: SeenAlert, two: SeenAlert) -> bool:
    return (
        one.exact == two.exact
        and _near(one.starts_at, two.starts_at)
        and _near(one.ends_at, two.ends_at)
    )


def _near(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return abs(one - two) <= TIME_TOLERANCE


def _short(seen: Seen | None) -> Any:
    return seen and (round(seen.at % 1000, 2), [*map(_shorter, seen.alerts)])


def _shorter(alert: SeenAlert) -> str:
    end = "" if alert.ends_at is None else f"{alert.ends_at % 1000:.2f}"
    names = ",".join(value for name, value in alert.labels if name != "seq")
    return f"{names} {alert.status} {alert.starts_at % 1000:.2f}-{end} {dict(alert.annotations)}"
