"""Channels of the last resort that refuse, hang or say later, and processes that die in between."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from supervisor.delivery.fallback.result import Fate, Result
from tests.delivery.fallback.bench import (
    AFTER,
    BACKOFF,
    COMMAND,
    EVERY,
    OFTEN,
    SENT,
    FallbackBench,
    error,
)
from tests.support.recorder_bench import ONE, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

LATER = Result(Fate.LATER, "451 come back later")
REFUSED = Result(Fate.REFUSED, "550 no such user")


async def test_a_server_that_says_later_is_asked_again_with_the_same_message(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    bench.bench.jitter = OFTEN
    bench.respond = lambda sent: LATER if len(bench.sent) < 9 else SENT
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(EVERY)

    waits = [round(b.at - a.at, 1) for a, b in pairwise(bench.sent)]
    assert len(bench.sent) == 9
    assert len({each.identity for each in bench.sent}) == 1
    assert waits == sorted(waits)
    assert max(waits) <= BACKOFF + bench.seconds
    assert bench.last_resort.tally.errors == {"mail": ""}


@pytest.mark.parametrize(("fate", "ends"), [(Fate.UNKNOWN, 1), (Fate.LATER, 0)])
async def test_the_end_is_told_if_a_digest_may_have_been_sent(
    fate: Fate, ends: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    bench.respond = lambda sent: Result(fate, "?") if sent.kind == "digest" else SENT
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread + 2 * BACKOFF)
    bench.peers_answer()
    await bench.until(2 * EVERY)

    assert len(bench.digests) > 1
    assert len(bench.ends) == ends


async def test_a_server_that_refuses_is_asked_once_in_a_period_and_named_once(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = FallbackBench.make(ONE)
    bench.respond = lambda _sent: REFUSED
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(5 * EVERY)

    assert 3 <= len(bench.sent) <= 5
    assert [r for r in caplog.messages if "550" in r] == [
        "fallback mail: cannot send: 550 no such user; tried again later"
    ]
    assert bench.last_resort.tally.errors == {"mail": "550 no such user"}
    bench.respond = lambda _sent: SENT
    tried = len(bench.sent)
    bench.last_resort.reconfigure(bench.settings)
    await bench.until(5 * EVERY + 10)
    assert len(bench.sent) == tried + 1


async def test_a_channel_that_hangs_does_not_hold_up_the_other_one(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, command=COMMAND, jitter=OFTEN)
    bench.respond = lambda sent: LATER if sent.channel == "mail" else SENT
    bench.seconds = 60.0
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread + 10 * 60)

    commands = [each for each in bench.sent if each.channel == "command"]
    assert len(commands) == 1
    assert commands[0].at <= AFTER + bench.spread + 1
    assert len(bench.sent) > 4


async def test_a_restart_repeats_nothing_and_forgets_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    for second in range(60, int(AFTER + bench.spread), 60):
        await bench.until(second)
        await bench.restart(nursery)
    await bench.until(AFTER + bench.spread + 5)
    await bench.restart(nursery)
    await bench.until(AFTER + bench.spread + EVERY - 2 * BACKOFF)
    assert [each.kind for each in bench.sent] == ["digest"]
    bench.peers_answer()
    await bench.restart(nursery)
    await bench.until(AFTER + bench.spread + EVERY + BACKOFF)
    await bench.restart(nursery)
    await bench.until(AFTER + bench.spread + 3 * EVERY)

    assert [each.kind for each in bench.sent] == ["digest", "end"]


async def test_a_kill_while_a_message_is_sent_leads_to_the_same_message(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    bench.bench.jitter, bench.seconds = OFTEN, 5.0
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread + 3)
    await bench.restart(nursery)
    await bench.until(EVERY)

    assert [each.kind for each in bench.sent] == ["digest", "digest"]
    assert bench.sent[0].identity == bench.sent[1].identity
    assert bench.sent[1].at - bench.sent[0].at <= BACKOFF


async def test_what_may_have_been_sent_before_a_kill_counts_when_a_peer_answers(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    bench.bench.jitter, bench.seconds = OFTEN, 5.0
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread + 3)
    bench.peers_answer()
    await bench.restart(nursery)
    await bench.until(EVERY)

    assert len(bench.ends) == 1
    assert bench.sent[-1].kind == "end"
    assert len({each.identity for each in bench.digests}) == 1


async def test_a_clock_that_is_set_moves_no_message(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    begun = trio.current_time()
    await trio.sleep(100)
    bench.bench.clock.step(5 * EVERY)
    await trio.sleep(AFTER + bench.spread - 110)
    assert bench.sent == []
    await trio.sleep(20)
    assert len(bench.sent) == 1
    bench.bench.clock.step(-5 * EVERY)
    await trio.sleep(EVERY - 20)
    assert len(bench.sent) == 1
    await trio.sleep(40)

    assert len(bench.sent) == 2
    assert trio.current_time() - begun < AFTER + bench.spread + EVERY + 60
