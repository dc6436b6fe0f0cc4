"""Tasks that doze until a wall-clock time while the clock is set."""

from __future__ import annotations

import gc
import weakref

import pytest
import trio

from supervisor.host.clock import MANY_ALARMS
from tests.support.virtual_clock import FrozenClock, VirtualClock

EIGHT = 1_780_000_200.0
"""Unix seconds, a whole multiple of 30."""

HOUR = 3600.0
MOVED = 1807.0
"""Seconds after which the clock is set: in between two looks of `watch`, the next is at 1830."""


async def waited(clock: VirtualClock, until: float) -> tuple[bool, float, float]:
    """Doze until the time, as a module does.

    Return whether the time was reached, how long it took and what the clock showed then.
    """
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        while clock.now() < until:
            await clock.doze(until, "module")
        nursery.cancel_scope.cancel()
    return clock.now() >= until, trio.current_time() - began, clock.now()


@pytest.mark.parametrize(
    ("step", "seconds", "shown"),
    [
        pytest.param(0.0, HOUR, EIGHT + HOUR, id="not set"),
        pytest.param(-HOUR, 2 * HOUR, EIGHT + HOUR, id="an hour back"),
        pytest.param(0.25 * HOUR, 0.75 * HOUR, EIGHT + HOUR, id="ahead, not past the time"),
        pytest.param(HOUR, 1830.0, EIGHT + HOUR + 1830, id="an hour ahead, past it"),
        pytest.param(8 * HOUR, 1830.0, EIGHT + 8 * HOUR + 1830, id="a suspended night"),
    ],
)
async def test_a_wait_follows_the_wall_clock(
    step: float, seconds: float, shown: float, autojump_clock: object
) -> None:
    clock = VirtualClock(EIGHT)

    async def move() -> None:
        await trio.sleep(MOVED)
        clock.step(step)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(move)
        reached, took, showed = await waited(clock, EIGHT + HOUR)

    assert (reached, round(took, 2), round(showed, 2)) == (True, seconds, shown)


async def test_all_sleepers_wake_at_once_when_all_are_roused(autojump_clock: object) -> None:
    clock = VirtualClock(EIGHT)
    woke: list[float] = []

    async def sleep(number: int) -> None:
        await clock.doze(EIGHT + HOUR * number, number)
        woke.append(clock.now() - EIGHT)

    async with trio.open_nursery() as nursery:
        for number in range(1, 9):
            nursery.start_soon(sleep, number)
        await trio.sleep(100)
        clock.rouse_all()

    assert woke == [100.0] * 8


@pytest.mark.parametrize(
    ("shown", "interval", "expected"),
    [(0.0, 30.0, 30.0), (29.0, 30.0, 1.0), (29.995, 30.0, 30.005), (7.0, 5.0, 3.0)],
)
def test_all_look_at_the_same_moments(shown: float, interval: float, expected: float) -> None:
    clock = FrozenClock(moment=EIGHT + shown)

    assert clock.until_look(interval) == pytest.approx(expected)


async def test_one_sleeper_is_roused_and_the_other_sleeps_on(autojump_clock: object) -> None:
    clock = VirtualClock(EIGHT)
    woke: dict[str, float] = {}

    async def sleep(name: str, wakes: trio.Event) -> None:
        await clock.doze(EIGHT + HOUR, name)
        woke[name] = clock.now() - EIGHT
        wakes.set()

    async with trio.open_nursery() as nursery:
        first, second = trio.Event(), trio.Event()
        nursery.start_soon(clock.watch)
        nursery.start_soon(sleep, "first", first)
        nursery.start_soon(sleep, "second", second)
        await trio.sleep(100)
        clock.rouse("first")
        clock.rouse("another that does not sleep")
        await second.wait()
        nursery.cancel_scope.cancel()

    assert woke == {"first": 100.0, "second": HOUR}


async def test_who_was_roused_sleeps_until_the_later_time_that_it_says_then(
    autojump_clock: object,
) -> None:
    clock = VirtualClock(EIGHT)

    async def rouse() -> None:
        await trio.sleep(100)
        clock.rouse("module")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        nursery.start_soon(rouse)
        await clock.doze(EIGHT + HOUR, "module")
        roused = clock.now() - EIGHT
        await clock.doze(EIGHT + 2 * HOUR, "module")
        woke = clock.now() - EIGHT
        nursery.cancel_scope.cancel()

    assert (roused, woke) == (100.0, 2 * HOUR)


async def test_a_sleeper_that_is_cancelled_is_forgotten(autojump_clock: object) -> None:
    clock = VirtualClock(EIGHT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        with trio.move_on_after(100) as scope:
            await clock.doze(EIGHT + HOUR, "module")
        clock.rouse("module")
        await trio.sleep(2 * HOUR)
        nursery.cancel_scope.cancel()

    assert scope.cancelled_caught


async def test_who_has_gone_is_not_kept_until_its_time(autojump_clock: object) -> None:
    class Sleeper:
        """What a weak reference can be made to."""

    clock, gone = VirtualClock(EIGHT), []
    for _ in range(2 * MANY_ALARMS):
        sleeper = Sleeper()
        with trio.move_on_after(1):
            await clock.doze(EIGHT + 1000 * HOUR, sleeper)
        gone.append(weakref.ref(sleeper))
    del sleeper

    gc.collect()
    assert sum(each() is not None for each in gone) <= MANY_ALARMS + 2


async def test_who_is_roused_often_wakes_at_its_time(autojump_clock: object) -> None:
    clock, wakes = VirtualClock(EIGHT), 0

    async def sleep() -> None:
        nonlocal wakes
        while clock.now() < EIGHT + HOUR:
            await clock.doze(EIGHT + HOUR, "module")
            wakes += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        nursery.start_soon(sleep)
        for _ in range(5 * MANY_ALARMS):
            await trio.sleep(1)
            clock.rouse("module")
        await trio.sleep(HOUR)
        nursery.cancel_scope.cancel()

    assert wakes == 5 * MANY_ALARMS + 1


async def test_a_time_that_has_passed_is_not_waited_for(autojump_clock: object) -> None:
    found = await waited(VirtualClock(EIGHT), EIGHT - 1)

    assert found == (True, 0.0, EIGHT)


async def test_a_clock_that_creeps_wakes_at_its_own_time(autojump_clock: object) -> None:
    clock = VirtualClock(EIGHT)

    async def creep() -> None:
        while True:
            await trio.sleep(30)
            clock.step(0.004)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(creep)
        _, _, showed = await waited(clock, EIGHT + HOUR)
        nursery.cancel_scope.cancel()

    assert 0 <= showed - (EIGHT + HOUR) < 0.02


async def test_a_task_that_dozes_does_not_wake_while_the_clock_is_not_set(
    autojump_clock: object,
) -> None:
    clock, wakes = VirtualClock(EIGHT), 0

    async def sleep() -> None:
        nonlocal wakes
        while clock.now() < EIGHT + HOUR:
            await clock.doze(EIGHT + HOUR, "module")
            wakes += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        nursery.start_soon(sleep)
        await trio.sleep(2 * HOUR)
        nursery.cancel_scope.cancel()

    assert wakes == 1
