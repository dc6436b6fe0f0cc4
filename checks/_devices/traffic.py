"""How much an interface carries, and how often it fails, from its counters. Pure.

Used by `interface`. Two samples are kept, so that rates are those of 50 s or more, also when the
check runs each second or somebody has it run twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import astuple, frozen

from checks._devices.interfaces import Counters, Interface
from supervisor.api import Json

WINDOW = 50.0
"""Seconds from which on a sample is old enough to be compared with."""

MIN_SPAN = 5.0
"""Seconds after the very first sample in which there are no rates."""

MAX_COUNTER = 1 << 64
"""The kernel's counters are smaller than this."""

Counts: TypeAlias = tuple[int, Counters]
"""The number of an interface, and what it has counted."""


@frozen
class Sample:
    """What the interfaces had counted at a time."""

    at: float
    """Seconds since the host was started. No clock that is set moves them."""

    counts: Mapping[str, Counts]
    """By the name of the interface."""


@frozen
class Rates:
    """What an interface did in a second on average."""

    received: float
    """Bytes."""

    sent: float
    """Bytes."""

    errors: float
    drops: float


def sample(at: float, interfaces: Sequence[Interface], most: int) -> Sample:
    """Return what the first `most` of the interfaces have counted."""
    return Sample(
        at,
        {
            each.name: (each.index, each.counters)
            for each in interfaces[:most]
            if each.counters is not None
        },
    )


def base(samples: Sequence[Sample], now: float) -> Sample | None:
    """Return the sample to compare with: the newest that is old enough, else the first one."""
    old = [each for each in samples if now - each.at >= WINDOW]
    found = old[-1:] or samples[:1]
    return found[0] if found and now - found[0].at >= MIN_SPAN else None


def kept(samples: Sequence[Sample], new: Sample) -> list[Sample]:
    """Return what to keep: the sample that was compared with, and one that grows old for later."""
    old = [each for each in samples if new.at - each.at >= WINDOW]
    first = old[-1:] or [*samples[:1]]
    younger = [each for each in samples if first and each.at > first[0].at]
    return [*first, *(younger[-1:] or [new])]


def rates(before: Sample | None, now: Sample, name: str) -> Rates | None:
    """Return what an interface did since a sample. None: it was not there, or is another one."""
    if before is None or name not in before.counts or name not in now.counts:
        return None
    (index, then), (same, current) = before.counts[name], now.counts[name]
    if index != same:
        return None
    seconds = now.at - before.at
    # A counter that was reset or has come to its end began at 0 again. What it has counted since
    # is the least that happened.
    pairs = zip(astuple(then), astuple(current), strict=True)
    return Rates(*((new - old if new >= old else new) / seconds for old, new in pairs))


def dump(samples: Sequence[Sample]) -> list[Json]:
    """Return samples as JSON."""
    return [
        [
            each.at,
            {name: [index, *astuple(counters)] for name, (index, counters) in each.counts.items()},
        ]
        for each in samples
    ]


def load(value: Json, now: float) -> list[Sample]:
    """Return the samples that JSON describes, the oldest first. What cannot be one is left out."""
    found: list[Sample] = []
    for item in value if isinstance(value, list) else ():
        match item:
            case [int() | float() as at, dict(counts)] if type(at) is not bool and 0 <= at <= now:
                known = {name: loaded for name in counts if (loaded := _counts(counts[name]))}
                found.append(Sample(at, known))
    return sorted(found, key=lambda each: each.at)[-2:]


def _counts(value: Json) -> Counts | None:
    match value:
        case [index, received, sent, errors, drops] if all(
            type(each) is int and 0 <= each < MAX_COUNTER for each in value
        ):
            return index, Counters(received, sent, errors, drops)
    return None
