"""Tasks that doze until a wall-clock time while the clock is set."""

from __future__ import annotations

import pytest
import trio

from tests.support.virtual_clock import FrozenClock, VirtualClock

EIGHT = 1_780_000_200.0
"""Unix seconds, a whole multiple of 30."""

HOUR = 3600.0
MOVED = 1807.0
"""Seconds after which the clock is set: in between two looks of `watch`, the next is at 1830."""


async def waited(clock: VirtualClock, until: float, wake: trio.Event) -> tuple[bool, float, float]:
    """Doze until the time or the event, as a module does.

    Return whether the time was reached, how long it took and what the clock showed then.
    """
    began = trio.current_time()
    while clock.now() < until and not wake.is_set():
        await clock.doze(until, wake, wake)
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
        nursery.start_soon(clock.watch)
        nursery.start_soon(move)
        reached, took, showed = await waited(clock, EIGHT + HOUR, trio.Event())
        nursery.cancel_scope.cancel()

    assert (reached, round(took, 2), round(showed, 2)) == (True, seconds, shown)


async def test_a_wait_ends_at_once_when_it_is_woken(autojump_clock: object) -> None:
    wake = trio.Event()

    async def rouse() -> None:
        await trio.sleep(100)
        wake.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rouse)
        found = await waited(VirtualClock(EIGHT), EIGHT + HOUR, wake)

    assert found == (False, 100.0, EIGHT + 100)


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

    async def sleep(name: str) -> None:
        await clock.doze(EIGHT + HOUR, trio.Event(), name)
        woke[name] = clock.now() - EIGHT

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleep, "first")
        nursery.start_soon(sleep, "second")
        await trio.sleep(100)
        clock.rouse("first")
        clock.rouse("another that does not sleep")

    assert woke == {"first": 100.0, "second": HOUR}


async def test_a_time_that_has_passed_is_not_waited_for(autojump_clock: object) -> None:
    found = await waited(VirtualClock(EIGHT), EIGHT - 1, trio.Event())

    assert found == (True, 0.0, EIGHT)


async def test_small_steps_add_up_until_tasks_that_doze_are_woken(autojump_clock: object) -> None:
    clock = VirtualClock(EIGHT)

    async def creep() -> None:
        while True:
            await trio.sleep(30)
            clock.step(0.004)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        nursery.start_soon(creep)
        _, _, showed = await waited(clock, EIGHT + HOUR, trio.Event())
        nursery.cancel_scope.cancel()

    assert 0 <= showed - (EIGHT + HOUR) < 0.02


async def test_a_task_that_dozes_does_not_wake_while_the_clock_is_not_set(
    autojump_clock: object,
) -> None:
    looks = 0

    class Watched(VirtualClock):
        def now(self) -> float:
            nonlocal looks
            looks += 1
            return super().now()

    await waited(Watched(EIGHT), EIGHT + HOUR, trio.Event())

    assert looks < 10
