"""Keeps the garbage collector from holding up the event loop.

With ten thousand modules a full collection takes half a second. Nearly all that it looks at lives
as long as the configuration, and nothing here makes cycles in earnest: what is there when the
supervisor is ready is put out of its reach, and the rest is looked through more seldom.
"""

from __future__ import annotations

import gc

SELDOM = 200
"""Collections of the middle generation for each full one; Python's default is 10."""


def disable() -> None:
    """Let everything be loaded without collections in between."""
    gc.disable()


def freeze() -> None:
    """Collect once, look no more at what is left, and collect what is made from now on."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, SELDOM)
    gc.enable()
