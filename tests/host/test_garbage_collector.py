"""Which objects the garbage collector looks at."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from supervisor.host import garbage_collector


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


def test_nothing_is_collected_automatically_when_it_is_disabled() -> None:
    garbage_collector.disable()

    assert not gc.isenabled()


def test_objects_that_are_there_are_frozen() -> None:
    garbage_collector.disable()
    kept = [Node() for _ in range(1000)]
    garbage_collector.freeze()

    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)
    assert garbage_collector.FULL_THRESHOLD == gc.get_threshold()[2]


def test_cycles_from_before_and_after_the_freeze_are_freed() -> None:
    garbage_collector.disable()
    early = weakref.ref(Node())
    garbage_collector.freeze()
    freed_early = early() is None
    late = weakref.ref(Node())
    gc.collect()

    assert (True, None) == (freed_early, late())


def test_what_a_reload_leaves_behind_is_freed() -> None:
    garbage_collector.freeze()
    node = Node()
    left = weakref.ref(node)
    garbage_collector.freeze()
    del node
    garbage_collector.freeze()

    assert left() is None
