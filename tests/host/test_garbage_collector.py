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
    before, callbacks = gc.get_threshold(), [*gc.callbacks]
    yield
    gc.callbacks[:] = callbacks
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
    garbage_collector.freeze_again()
    del node
    garbage_collector.freeze_again()

    assert left() is None


def test_a_start_with_very_many_objects_does_not_look_at_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage_collector, "MAX_AT_ONCE", 1000)
    garbage_collector.disable()
    kept = [Node() for _ in range(10_000)]
    early = weakref.ref(kept.pop())
    garbage_collector.freeze()

    assert early() is not None


def test_what_a_long_collection_has_left_is_not_looked_at_again() -> None:
    garbage_collector.disable()
    garbage_collector.freeze()
    gc.disable()
    before = gc.get_freeze_count()
    kept = [Node() for _ in range(garbage_collector.MAX_OLD)]
    gc.collect()

    assert gc.get_freeze_count() >= before + len(kept)


def test_a_short_collection_freezes_nothing() -> None:
    garbage_collector.disable()
    garbage_collector.freeze()
    gc.disable()
    before = gc.get_freeze_count()
    kept = [Node() for _ in range(1000)]
    gc.collect()

    assert gc.get_freeze_count() < before + len(kept)


@pytest.mark.parametrize("young", [700, 5000])  # 5000: all modules of a large service run at once
def test_no_automatic_collection_looks_at_very_many_objects(young: int) -> None:
    looked_at = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            looked_at.append(len(gc.get_objects(generation=2)))

    garbage_collector.disable()
    garbage_collector.freeze()
    gc.set_threshold(young, *gc.get_threshold()[1:])
    gc.callbacks.append(note)
    kept = [Node() for _ in range(500_000)]

    assert 1 < len(looked_at) < 50
    assert max(looked_at) < 3 * garbage_collector.MAX_OLD < len(kept)
