"""Keeps the garbage collector from holding up the event loop.

With ten thousand modules a full collection takes half a second. Nearly all objects that it looks
at live as long as the configuration, and the supervisor makes few cycles. So `commands.run` calls
`disable` before it loads anything, `daemon` calls `freeze` when it is ready, and `freeze_again`
after each reload. Collections skip frozen objects.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping

MAX_AT_ONCE = 200_000
"""Objects that the start collects, at most. More would hold up the first runs."""

MAX_OLD = 50_000
"""Old objects from which on the next collection is a full one. It takes some milliseconds."""

OLDEST = 2
"""The generation of old objects. A full collection looks at it."""

FULL_THRESHOLD = 10
"""Collections of the middle generation for each full one, at most. Python has the same."""


def disable() -> None:
    """Stop automatic collections until `freeze` starts them again, each of them a short one."""
    gc.disable()
    gc.callbacks.append(_keep_short)


def freeze() -> None:
    """Freeze all objects, and start automatic collections.

    Garbage of the start is freed before, unless there are too many objects to look at.
    """
    if gc.get_count()[0] <= MAX_AT_ONCE:
        gc.collect()
    _freeze()


def freeze_again() -> None:
    """Free what a reload has left, and freeze the rest. It takes as long as a full collection."""
    gc.unfreeze()
    gc.collect()
    _freeze()


def _freeze() -> None:
    gc.freeze()
    gc.collect()  # looks at nothing, and then the collector knows that few objects are left
    gc.enable()


def _keep_short(phase: str, info: Mapping[str, int]) -> None:
    """Keep the next full collection short. Python calls this around each collection.

    If many objects have become old, the next collection is a full one. If many of them outlive
    that, they are frozen. A cycle that is in use just then is freed at the next reload.
    """
    if phase == "start" or info["generation"] == 0:
        return
    old = len(gc.get_objects(generation=OLDEST))
    if info["generation"] != OLDEST:
        if old > MAX_OLD:
            _set_full_threshold(0)
        return
    _set_full_threshold(FULL_THRESHOLD)
    if old > MAX_OLD / 2:
        gc.freeze()


def _set_full_threshold(collections: int) -> None:
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, collections)
