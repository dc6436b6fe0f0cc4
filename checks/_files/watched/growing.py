"""By how much a file has grown since the run before. Pure.

A run may come sooner than usual, as after a restart: the file had no time to grow. Or it may come
late, as after a stop: the file had too much of it. Such a run judges only what is certain.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class Point:
    """How large a file was."""

    at: int
    """When, in Unix seconds."""

    size: int
    file: str
    """Which file it was."""

    gap: int = 0
    """The usual time from run to run, in seconds. 0: it is not known yet."""


@frozen
class Growth:
    """By how much it has grown, and which limits that says something about."""

    grown: int
    is_much: bool
    """Whether it may be compared with what is too much."""

    is_little: bool
    """Whether it may be compared with what is too little."""


def compare(before: Point | None, now: Point) -> tuple[Growth | None, Point]:
    """Return the growth, and the point with which the next run compares.

    The growth is None when it is another file, when it has shrunk, or when a clock was set back.
    """
    if before is None:
        return None, now
    passed = now.at - before.at
    if before.file != now.file or now.size < before.size or passed < 0:
        return None, evolve(now, gap=before.gap)
    grown, gap = now.size - before.size, before.gap
    if not gap:
        return Growth(grown, is_much=True, is_little=False), evolve(now, gap=passed)
    if 2 * passed < gap:
        return Growth(grown, is_much=True, is_little=False), before
    if passed > 2 * gap:
        return Growth(grown, is_much=False, is_little=True), evolve(now, gap=2 * gap)
    return Growth(grown, is_much=True, is_little=True), evolve(now, gap=passed)
