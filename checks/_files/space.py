"""How much space filesystems have left, and for how long. Used by `disk`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from checks._common.durations import DAY, HOUR, MINUTE, long_span, span
from checks._common.printable import shown
from checks._common.sizes import size
from checks._files import growth
from checks._files.filesystems import DiskFilesystem
from checks._files.usage import MountReading, Watched
from supervisor.api import Condition, Context, Crossing, Json

GROWTH = "growth"
"""The key of the state with what was used of each filesystem, by the identity of its mount."""

MAX_FILESYSTEMS = 100
"""The growth of so many filesystems is kept at most, since a state must stay small."""

STEPS = ((2 * DAY, DAY), (2 * HOUR, HOUR), (20 * MINUTE, 10 * MINUTE), (0, MINUTE))
"""From which time on, in seconds, messages tell it in which step, so that they seldom change."""


def conditions(context: Context, watched: Iterable[Watched[DiskFilesystem]]) -> list[Condition]:
    """Return the conditions of filesystems with little space, and keep in the state what is used.

    Without `full_within` nothing is kept.
    """
    now, before = int(context.clock()), context.state.pop(GROWTH, None)
    known: Mapping[str, Json] = before if isinstance(before, dict) else {}
    kept: dict[str, Json] = {}
    found: list[Condition | None] = []
    for each in watched:
        for reading in each.readings:
            found.append(_little_free(each.filesystem, reading))
            if each.filesystem.full_within is None:
                continue
            key = reading.mount.identity
            points = growth.recent(growth.load(known.get(key)), now)
            if reading.usage is not None:
                point = now, reading.usage.used
                found.append(_full_soon(each.filesystem, reading, growth.rate(points, point)))
                points = growth.kept(points, point)
            kept[key] = [[*point] for point in points]
    if kept:
        context.state[GROWTH] = dict(islice(kept.items(), MAX_FILESYSTEMS))
    return [condition for condition in found if condition is not None]


def _little_free(filesystem: DiskFilesystem, reading: MountReading) -> Condition | None:
    limit, usage = filesystem.min_free, reading.usage
    if limit is None or usage is None:
        return None
    crossing = limit.below(usage.free, filesystem.event_type)
    text = f"has {usage.left} (limit {limit.words(size)})"
    return _condition("Disk free", crossing, filesystem, reading, text)


def _full_soon(
    filesystem: DiskFilesystem, reading: MountReading, rate: float | None
) -> Condition | None:
    limit, usage = filesystem.full_within, reading.usage
    if limit is None or usage is None or rate is None:
        return None
    seconds = usage.free / rate
    crossing = limit.below(seconds, filesystem.event_type)
    text = (
        f"is full in about {about(seconds)} if it grows as in the last hour "
        f"(limit {limit.words(span)}), {usage.left}"
    )
    return _condition("Disk full soon", crossing, filesystem, reading, text)


def _condition(
    alertname: str,
    crossing: Crossing | None,
    filesystem: DiskFilesystem,
    reading: MountReading,
    text: str,
) -> Condition | None:
    if crossing is None:
        return None
    mount = reading.mount
    message = f"{shown(mount.mount_point)} {text}, device {shown(mount.source)}"
    return crossing.condition(alertname, mount.mount_point, message, labels=filesystem.labels)


def about(seconds: float) -> str:
    """Return a time for a message: "3 d", "5 h", "40 min"."""
    step = next(step for least, step in STEPS if seconds >= least)
    return long_span(max(round(seconds / step), 1) * step)
