"""Keeps the garbage collector from holding up the event loop.

With ten thousand modules a full collection takes half a second. Nearly all objects that it looks
at live as long as the configuration, and the supervisor makes few cycles. So `commands.run` calls
`disable` before it loads anything. `daemon` calls `freeze` when it is ready and after each reload.
"""

from __future__ import annotations

import gc

FULL_THRESHOLD = 200
"""Collections of the middle generation for each full collection. Python's default is 10."""


def disable() -> None:
    """Stop automatic collections, until `freeze` starts them again."""
    gc.disable()


def freeze() -> None:
    """Collect once, freeze all objects that are left, and start automatic collections.

    They skip frozen objects. Full collections become rare. A later call also collects objects that
    were frozen before.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_THRESHOLD)
    gc.enable()
