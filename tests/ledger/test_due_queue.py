"""The queue of what is due, against plain lists."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from supervisor.ledger.due_queue import DueQueue


def emptied(queue: DueQueue) -> list[str]:
    """Take out all keys, whatever their times are."""
    return list(iter(lambda: queue.pop(math.inf) or "", ""))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9))
        | st.integers(0, 9).map(lambda now: ("pop", now))
    )
)
def test_a_due_queue_gives_of_each_kind_the_longest_waiting_first(
    steps: list[tuple[str, int | None]],
) -> None:
    queue, timed, at_once = DueQueue(), dict[str, float](), list[str]()
    for key, when in steps:
        if key == "pop":
            assert when is not None
            due = sorted((at, name) for name, at in timed.items() if at <= when)
            found = queue.pop(when)
            assert found in [*at_once[:1], *(name for _, name in due[:1])] or found is None
            assert (found is None) == (not due and not at_once)
            timed.pop(found or "", None)
            at_once = [name for name in at_once if name != found]
        else:
            queue.set(key, when)
            timed.pop(key, None)
            if when == 0:
                at_once += [key] * (key not in at_once)
            else:
                at_once = [name for name in at_once if name != key]
                timed |= {key: when} if when is not None else {}

        assert queue.next() == (0 if at_once else min(timed.values(), default=None))

    assert sorted(emptied(queue)) == sorted([*timed, *at_once])


def test_where_more_changes_than_is_taken_each_key_has_a_turn() -> None:
    queue = DueQueue()
    for number in range(20):
        queue.set(f"steady{number}", 1.0)
    taken = set()
    for now in range(100):
        for number in range(20):
            queue.set(f"busy{number}", 0.0)
        taken.add(queue.pop(float(now + 1)))

    assert len(taken) == 40


def test_setting_a_key_again_and_again_leaves_nothing_behind() -> None:
    queue = DueQueue()
    for now in range(1000):
        queue.set("a", now + 60.0)
        queue.set("a", 0.0)
        assert queue.pop(float(now)) == "a"

    assert queue.next() is None
    assert emptied(queue) == []
