"""Starts and a clock that is set neither repeat what the last resort tells nor delay it."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisor.delivery.fallback.result import Fate, Result
from tests.delivery.fallback.bench import (
    AFTER,
    BACKOFF,
    EVERY,
    OFTEN,
    SENT,
    FallbackBench,
    Sent,
    error,
)
from tests.support.recorder_bench import ONE, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


async def test_starts_in_an_outage_do_not_begin_it_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    unconfirmed = bench.bench.outbox.unconfirmed
    for second in range(100, int(AFTER), 100):
        await bench.until(second)
        unconfirmed.update(bench.bench.store.alerts)  # each start waits for the first runs
        await bench.restart(nursery)
        await bench.until(second + 5)
        unconfirmed.clear()
    await bench.until(AFTER + bench.spread + 10)

    assert [each.kind for each in bench.sent] == ["digest"]


@pytest.mark.parametrize("step", [5 * EVERY, -5 * EVERY])
async def test_a_clock_that_is_set_before_a_kill_moves_no_message(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    begun = trio.current_time()
    await trio.sleep(100)
    bench.bench.clock.step(step)
    await trio.sleep(60)
    await bench.restart(nursery)
    await trio.sleep(AFTER + bench.spread - 170)
    assert bench.sent == []
    await trio.sleep(20)
    assert len(bench.sent) == 1
    bench.bench.clock.step(step)
    await trio.sleep(60)
    await bench.restart(nursery)
    await trio.sleep(EVERY - 80)
    assert len(bench.sent) == 1
    await trio.sleep(40)

    assert len(bench.sent) == 2
    assert trio.current_time() - begun < AFTER + bench.spread + EVERY + 60


@pytest.mark.parametrize("step", [5 * EVERY, -5 * EVERY])
@pytest.mark.parametrize(
    ("seconds", "pause"), [(2.0, 20.0), (80.0, 70.0)], ids=["between tries", "in a try"]
)
async def test_a_clock_that_is_set_makes_no_other_message_of_what_is_tried_again(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float, seconds: float, pause: float
) -> None:
    bench, has_failed = FallbackBench.make(ONE), trio.Event()
    bench.bench.jitter, bench.seconds = OFTEN, seconds

    def respond(_sent: Sent) -> Result:
        if len(bench.sent) < 8:
            if len(bench.sent) == 7:
                has_failed.set()
            return Result(Fate.UNKNOWN)
        return SENT

    bench.respond = respond
    await bench.live(nursery)
    await bench.see_alone(error())
    await has_failed.wait()
    await trio.sleep(pause)
    assert len(bench.sent) == (7 if pause < BACKOFF / 2 else 8)
    bench.bench.clock.step(step)
    await trio.sleep(EVERY - 100)

    assert len(bench.sent) == 8
    assert len({each.identity for each in bench.sent}) == 1
