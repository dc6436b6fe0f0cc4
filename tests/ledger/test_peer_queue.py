"""The queue of one peer: what failed alone is kept apart, and takes turns with the others."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from supervisor.ledger.peer_queue import PeerQueue


def queue_of(*keys: str, alone: str = "", until: float = 0.0) -> PeerQueue:
    queue = PeerQueue()
    for key in keys:
        queue.set(key, 0.0)
    if alone:
        queue.failed_alone(alone, until)
    return queue


def test_what_is_due_is_taken_together_and_the_rest_stays() -> None:
    queue = queue_of("a", "b", "c")
    queue.set("d", 9.0)

    assert list(islice(queue.take(1.0), 2)) == ["a", "b"]
    assert (list(queue.take(1.0)), queue.next()) == (["c"], 9.0)


def test_what_failed_alone_is_taken_alone_and_not_before_its_time() -> None:
    queue = queue_of("a", alone="p", until=5.0)

    assert (list(queue.take(1.0)), list(queue.take(4.9)), queue.next()) == (["a"], [], 5.0)
    assert list(queue.take(5.0)) == ["p"]


def test_a_change_does_not_shorten_the_wait_of_what_failed_alone() -> None:
    queue = queue_of(alone="p", until=5.0)
    queue.set("p", 0.0)

    assert (list(queue.take(4.9)), list(queue.take(5.0))) == ([], ["p"])


def test_one_alone_and_the_others_take_turns() -> None:
    queue = queue_of("a", "b", alone="p")
    queue.failed_alone("q", 0.0)
    taken = [list(islice(queue.take(1.0), 1)) for _ in range(5)]

    assert sorted(taken[1] + taken[3]) == ["p", "q"]
    assert [taken[0], taken[2], taken[4]] == [["a"], ["b"], []]


def test_the_halves_of_a_failed_batch_go_apart_and_never_with_others() -> None:
    queue = queue_of("new")
    queue.failed_together(["a", "b", "c", "d"], 2, 0.0)
    queue.failed_together(["c", "d"], 1, 0.0)
    taken = [sorted(queue.take(1.0)) for _ in range(5)]

    assert taken == [["new"], ["a", "b"], ["c"], ["d"], []]
    assert not queue.has_failed_alone


def test_failures_are_counted_until_the_peer_takes_the_alert() -> None:
    queue = queue_of(alone="p")
    queue.failed_alone("p", 1.0)
    counted = queue.failures_alone("p"), queue.has_failed_alone
    queue.release("p")
    queue.set("p", 0.0)
    queue.set("q", 0.0)

    assert counted == (2, True)
    assert (queue.failures_alone("p"), queue.has_failed_alone) == (0, False)
    assert list(queue.take(0.0)) == ["p", "q"]


def test_what_is_released_is_no_longer_queued() -> None:
    queue = queue_of(alone="p")
    queue.release("p")

    assert (queue.next(), list(queue.take(9.0))) == (None, [])


def test_waits_can_be_ended_and_what_failed_stays_apart() -> None:
    queue = queue_of("a", alone="p", until=1e9)
    queue.end_waits()

    assert [list(queue.take(0.0)) for _ in range(3)] == [["a"], ["p"], []]
    assert queue.failures_alone("p") == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "never", "alone", "release", "end_waits", "take"]),
            st.sampled_from("abcd"),
            st.floats(0, 9),
        ),
        max_size=50,
    )
)
def test_no_alert_is_lost_doubled_or_mixed(steps: list[tuple[str, str, float]]) -> None:
    queue, due, alone, now = PeerQueue(), dict[str, float](), dict[str, float](), 0.0
    for what, key, number in steps:
        if what == "set":
            queue.set(key, number)
            due[key] = max(number, alone.get(key, 0.0))
        elif what == "never":
            queue.set(key, None)
            due.pop(key, None)
        elif what == "alone":
            queue.failed_alone(key, number)
            due[key] = alone[key] = number
        elif what == "release":
            queue.release(key)
            if alone.pop(key, None) is not None:
                due.pop(key, None)
        elif what == "end_waits":
            queue.end_waits()
            alone = dict.fromkeys(alone, 0.0)
            due |= alone
        else:
            now += number
            taken = list(queue.take(now))
            assert all(due.pop(name) <= now for name in taken)
            assert len(taken) == 1 if set(taken) & set(alone) else len({*taken}) == len(taken)
        assert queue.next() == min(due.values(), default=None)
    while taken := list(queue.take(9e9)):
        for name in taken:
            del due[name]
    assert due == {}
