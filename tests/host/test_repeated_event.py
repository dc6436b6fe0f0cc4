"""An event that can be set again: each wait ends once for what was set before."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.host.repeated_event import RepeatedEvent


async def returns(event: RepeatedEvent) -> bool:
    """Tell whether a wait for the event ends, in virtual time."""
    with trio.move_on_after(60) as scope:
        await event.wait()
    return not scope.cancelled_caught


async def test_what_was_set_before_the_wait_ends_it_at_once(autojump_clock: MockClock) -> None:
    event = RepeatedEvent()
    event.set()

    assert await returns(event)


async def test_set_several_times_it_ends_one_wait(autojump_clock: MockClock) -> None:
    event = RepeatedEvent()
    event.set()
    event.set()

    assert [await returns(event), await returns(event)] == [True, False]


async def test_it_wakes_the_waiting_task_each_time_that_it_is_set(nursery: trio.Nursery) -> None:
    event, woken = RepeatedEvent(), list[int]()

    async def count() -> None:
        while True:
            await event.wait()
            woken.append(len(woken))

    nursery.start_soon(count)
    for number in range(3):
        await wait_all_tasks_blocked()
        assert len(woken) == number
        event.set()
    await wait_all_tasks_blocked()
    nursery.cancel_scope.cancel()

    assert len(woken) == 3
