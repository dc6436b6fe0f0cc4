"""What becomes of alerts that a peer refuses; in virtual time."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisor.delivery.replies import Answer
from tests.delivery.sending import Script
from tests.support.fake_client import BUSY, OK, REFUSED, Post, spans
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads, run_virtually

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 19)), st.sampled_from([1, 7, 20]))
def test_exactly_the_bad_alerts_are_quarantined_and_the_rest_delivered(
    bad: set[int], batch: int
) -> None:
    refused = {f"/{n}" for n in bad}

    async def main() -> None:
        bench = RecorderBench.make(ONE, max_batch=batch)
        delivered: set[str] = set()

        def judge(post: Post) -> Answer:
            if refused & set(post.instances):
                return REFUSED
            delivered.update(post.instances)
            return OK

        bench.clients[ONE].respond = judge
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            await bench.see(*(full(f"/{n}") for n in range(20)))
            await bench.until(30)
            own = bench.own
            posts = len(bench.clients[ONE].posts)
            nursery.cancel_scope.cancel()

        shown = {a.instance for a in bench.store.alerts.values() if bench.cursors.is_rejected(a)}
        assert refused == shown
        assert {f"/{n}" for n in range(20)} - refused == delivered - {"m"}
        assert bench.outbox.pending(ONE) == []
        assert ({"AlertRejected": "m"} if bad else {}) == own
        assert posts <= 20 + 2 * 5 * len(bad) + 2  # at most both halves on each level

    run_virtually(main)


async def test_what_was_not_tried_when_the_peer_went_down_is_kept(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = Script([REFUSED, REFUSED, BUSY, OK])
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(8)))
    await bench.until(10)

    sizes = [len(post.alerts) for post in bench.clients[ONE].posts]
    assert ([8, 4, 2, 1], 8) == (sizes[:4], sum(sizes[3:]))
    assert bench.outbox.pending(ONE) == []


async def test_a_refused_alert_is_tried_again_only_when_its_body_changes(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda post: REFUSED if "/" in post.instances else OK
    await bench.live(nursery)
    await bench.see(full(message="one"))
    await bench.until(600)
    before = len(bench.clients[ONE].sent("Disk usage"))
    bench.clients[ONE].respond = lambda _post: OK
    await bench.see(full(message="two"))
    await bench.until(601)

    assert (1, 2) == (before, len(bench.clients[ONE].sent("Disk usage")))
    assert bench.own == {}


async def test_a_refused_alert_that_changes_and_is_refused_again_stays_announced(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda post: REFUSED if "/" in post.instances else OK
    await bench.live(nursery)
    for number in range(5):
        await bench.see(full(message=f"{number}"))
        await bench.until(10.0 * (number + 1))

    assert {"AlertRejected": "m"} == bench.own
    told = bench.clients[ONE].sent("AlertRejected")
    assert all(end > at for (at, _), (_, end) in zip(told, spans(a for _, a in told), strict=True))


async def test_rejections_raise_one_alert_for_each_module(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda post: REFUSED if "Disk usage" in post.names else OK
    await bench.live(nursery)
    await bench.see(full("/a"), full("/b"))
    await bench.until(10)

    sent = bench.clients[ONE].sent("AlertRejected")
    assert {("TE", "supervisor", "m")} == {
        (labels["event_type"], labels["check"], labels["instance"])
        for labels in (alert["labels"] for _, alert in sent)
    }
    assert "refuses alert 'Disk usage' of module m" in sent[-1][1]["annotations"]["message"]


async def test_an_alert_rejected_that_is_refused_raises_no_other(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda _post: REFUSED
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(600)

    assert {"AlertRejected": "m"} == bench.own
    assert 2 == len(bench.clients[ONE].posts)
