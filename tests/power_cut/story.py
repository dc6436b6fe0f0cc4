"""The check of the power-cut runs, and what it sees: that follows from the number of the run alone.

The number is the module's state. So whoever reads the state knows what the ledger must hold.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

from attrs import field, frozen

from supervisor.api import Condition, Context, Observation, Report

CONDITION = "Scripted"
"""The name of the conditions."""

REPORT = "Scripted report"
"""The name of the reports."""

_INSTANCES = ("a", "b", "c")
"""The conditions of a module."""

_PADDING = 6000
"""Characters. Some details fill several pages of the ledger, so a row can be torn."""

_PERIOD = 3
"""Runs for which a condition stays as it is."""


@frozen
class Params:
    """What the service file sets."""

    seed: int
    """Chooses the story."""


@frozen
class Chapter:
    """What one run sees."""

    conditions: dict[str, str] = field(factory=dict)
    """The message of each instance that is true. It stays the same while that is true."""

    reports: tuple[str, ...] = ()
    """The messages of the reports."""


async def run(context: Context, params: Params) -> list[Observation]:
    """Tell the next chapter."""
    number = number_of(context.state) + 1
    context.state["number"] = number
    seen = chapter(params.seed, context.module, number)
    detail = detail_of(number)
    return [
        *(Condition(CONDITION, "E", name, text, detail) for name, text in seen.conditions.items()),
        *(Report(REPORT, text, detail) for text in seen.reports),
    ]


def number_of(state: object) -> int:
    """Return how many runs a module's state tells of."""
    number = state.get("number", 0) if isinstance(state, dict) else 0
    assert isinstance(number, int)
    return number


def detail_of(number: int) -> str:
    """Return the detail of all that a run sees."""
    return f"run {number} " + "x" * (_PADDING * (number % 4))


@cache
def chapter(seed: int, module: str, number: int) -> Chapter:
    """Return what a run sees. Before the first run, nothing is true."""
    if not number:
        return Chapter()
    conditions = {}
    for instance in _INSTANCES:
        part = number // _PERIOD
        if _is_true(seed, module, instance, part):
            while part and _is_true(seed, module, instance, part - 1):
                part -= 1
            conditions[instance] = f"{instance} since {max(1, part * _PERIOD)}"
    count = max(0, int(10 * _chance(seed, module, number, "reports")) - 7)
    reports = tuple(f"{module} {number} {ordinal}" for ordinal in range(count))
    return Chapter(conditions, reports)


def events(seed: int, module: str, first: int, last: int) -> Iterator[str]:
    """Yield the events of some runs, as `Seen` tells them of the log."""
    before = chapter(seed, module, first - 1).conditions
    for number in range(first, last + 1):
        now = chapter(seed, module, number)
        for name, text in now.conditions.items():
            if before.get(name) != text:
                yield f"firing {text}"
        for name, text in before.items():
            if now.conditions.get(name) != text:
                yield f"resolved {text}"
        yield from (f"report {text}" for text in now.reports)
        before = now.conditions


@cache
def all_events(seed: int, module: str, last: int) -> Counter[str]:
    """Return how often each event has happened up to a run."""
    return Counter(events(seed, module, 1, last))


def _is_true(seed: int, module: str, instance: str, part: int) -> bool:
    return _chance(seed, module, instance, part) < 0.5


def _chance(*parts: object) -> float:
    """Return a number from 0 to 1 that follows from the parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2.0**48
