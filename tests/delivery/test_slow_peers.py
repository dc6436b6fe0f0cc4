"""A peer that is down, asks for calm, or is behind a slow link; in virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisor.delivery.pace import MAX_BATCH_BYTES
from supervisor.delivery.replies import Answer, Reply
from tests.delivery.failing import HANGS_UP
from tests.support.fake_client import BUSY, FORBIDDEN, OK
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads, run_virtually

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

UNAUTHORIZED = Answer(Reply.MISCONFIGURED, "HTTP 401")


async def test_a_peer_that_is_down_is_asked_once_a_minute_however_many_alerts_wait(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    client = bench.clients[ONE]
    client.respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(600)))
    await bench.until(7200)
    asked = len(client.posts)
    client.posts.clear()
    client.respond = lambda _post: OK
    await bench.until(7200 + 61)

    assert asked < 7200 / 60 + 20
    assert bench.outbox.pending(ONE) == []
    assert ("ok", 0) == (bench.peers[ONE].state, bench.peers[ONE].failures)


@pytest.mark.parametrize("alerts", [1, 40, 300])
@pytest.mark.parametrize("status", ["HTTP 503", "HTTP 429"])
async def test_a_peer_that_asks_all_for_calm_gets_it(
    nursery: trio.Nursery, autojump_clock: MockClock, status: str, alerts: int
) -> None:
    bench = RecorderBench.make(ONE)
    asks = Answer(Reply.RETRY, status, retry_after=300.0)
    bench.clients[ONE].respond = lambda _post: asks
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(alerts)))
    await bench.until(4000)
    times = [post.at for post in bench.clients[ONE].posts]

    assert times[1] == 120
    assert len(times) <= 4000 / 120 + (8 if status == "HTTP 503" else 1)  # to find a bad one
    assert all(later - earlier >= 120 for earlier, later in pairwise(times[-30:]))


@pytest.mark.parametrize(("answers", "raised"), [
    ((UNAUTHORIZED, OK), 2), ((UNAUTHORIZED, FORBIDDEN), 1), ((UNAUTHORIZED, BUSY), 2),
])  # fmt: skip
async def test_a_cause_that_comes_and_goes_does_not_raise_an_alert_again_and_again(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    answers: tuple[Answer, ...],
    raised: int,
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    client = bench.clients[ONE]
    client.respond = lambda _post: answers[len(client.posts) % len(answers)]
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(1800)
    during = bench.own
    told = bench.clients[TWO].sent("PeerMisconfigured")
    client.respond = lambda _post: OK
    await bench.until(2300)

    assert {"PeerMisconfigured": ONE} == during
    assert len({alert["startsAt"] for _, alert in told}) <= raised
    assert bench.own == {}


@pytest.mark.parametrize("kilobytes_a_second", [20, 100, 1000])
async def test_a_backlog_drains_over_a_slow_link(
    nursery: trio.Nursery, autojump_clock: MockClock, kilobytes_a_second: int
) -> None:
    bench = RecorderBench.make(ONE)
    client = bench.clients[ONE]
    client.bytes_per_second = 1000.0 * kilobytes_a_second
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}", detail="x" * 8000) for n in range(120)))
    least = 1000 / kilobytes_a_second
    await bench.until(3 * least + 30)

    assert bench.outbox.pending(ONE) == []


@pytest.mark.parametrize("kilobytes_a_second", [20, 100])
async def test_one_alert_of_the_largest_size_passes_a_slow_link(
    nursery: trio.Nursery, autojump_clock: MockClock, kilobytes_a_second: int
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].bytes_per_second = 1000.0 * kilobytes_a_second
    await bench.live(nursery)
    await bench.see(full(detail='"' * 260_000), full("/small"))
    await bench.until(150)

    assert max(size for size, _ in bench.clients[ONE].requests) > 500_000
    assert bench.outbox.pending(ONE) == []


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from([10, 3000, 100_000, 260_000]), min_size=1, max_size=25),
    st.lists(st.sampled_from([OK, BUSY, HANGS_UP, FORBIDDEN]), max_size=25),
    st.sampled_from([30_000.0, 200_000.0, 1e9]),
)
def test_sizes_and_limits_stay_within_their_bounds(
    details: list[int], answers: list[Answer], rate: float
) -> None:
    async def main() -> None:
        bench = RecorderBench.make(ONE, max_batch=16)
        client = bench.clients[ONE]
        client.bytes_per_second = rate
        left = iter(answers)
        client.respond = lambda _post: next(left, OK)
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            await bench.see(*(full(f"/{n}", detail="x" * size) for n, size in enumerate(details)))
            await bench.until(1800)
            nursery.cancel_scope.cancel()

        for post, (size, limit) in zip(client.posts, client.requests, strict=True):
            assert len(post.alerts) <= 16
            assert size < MAX_BATCH_BYTES or len(post.alerts) == 1
            assert 5.0 <= limit <= 60.0
        assert bench.outbox.pending(ONE) == []

    run_virtually(main)
