"""What the garbage collector looks at once the supervisor is ready."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from supervisor import heap


class Node:
    """Part of a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


def test_nothing_is_collected_while_everything_is_loaded() -> None:
    heap.grow()

    assert not gc.isenabled()


def test_what_is_there_is_looked_at_no_more() -> None:
    heap.grow()
    kept = [Node() for _ in range(1000)]
    heap.settle()

    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)
    assert heap.SELDOM == gc.get_threshold()[2]


def test_cycles_of_the_start_and_of_later_are_freed() -> None:
    heap.grow()
    early = weakref.ref(Node())
    heap.settle()
    freed_early = early() is None
    late = weakref.ref(Node())
    gc.collect()

    assert (True, None) == (freed_early, late())


def test_what_a_reload_leaves_behind_is_freed() -> None:
    heap.settle()
    node = Node()
    left = weakref.ref(node)
    heap.settle()
    del node
    heap.settle()

    assert left() is None
