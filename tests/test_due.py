"""The queue of what is due, against a plain dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.due import DueQueue


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9))
        | st.integers(0, 9).map(lambda now: ("pop", now))
    )
)
def test_a_due_queue_gives_the_longest_waiting_first(steps: list[tuple[str, int | None]]) -> None:
    queue, model = DueQueue(), dict[str, float]()
    for key, when in steps:
        if key == "pop":
            assert when is not None
            due = sorted((at, name) for name, at in model.items() if at <= when)
            assert queue.pop(when) == (due[0][1] if due else None)
            if due:
                del model[due[0][1]]
        else:
            queue.set(key, when)
            model.pop(key, None)
            if when is not None:
                model[key] = when

        assert queue.next() == min(model.values(), default=None)
        assert len(queue) == len(model)


def test_setting_a_key_again_and_again_leaves_nothing_behind() -> None:
    queue = DueQueue()
    for now in range(1000):
        queue.set("a", now + 60.0)
        queue.set("a", 0.0)
        assert queue.pop(float(now)) == "a"

    assert queue.next() is None
    assert "a" not in queue
