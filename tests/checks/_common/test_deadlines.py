"""What is kept back of a deadline, and how a time is written in a message."""

from __future__ import annotations

import math

import pytest
import trio

from checks._common.deadlines import rounded, within


@pytest.mark.parametrize(
    ("deadline", "wanted", "seconds"),
    [(60, 10, 10), (60, 60, 59), (60, math.inf, 59), (2, 10, 1.8), (math.inf, 10, 10), (0, 10, 0)],
)
async def test_a_little_of_the_deadline_is_kept_back(
    autojump_clock: object, deadline: float, wanted: float, seconds: float
) -> None:
    with trio.CancelScope(deadline=trio.current_time() + deadline):  # noqa: ASYNC100  # only read
        found = within(wanted)

    assert found == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.9, "0.9"), (1.79997, "1.8"), (9.9997, "10"), (58.9998, "59"), (120, "120")],
)
def test_seconds_are_said_so_that_they_stay_the_same(seconds: float, said: str) -> None:
    assert rounded(seconds) == said
