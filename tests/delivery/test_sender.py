"""What a peer is sent, when, and what is known of it then; in virtual time."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisor.delivery.replies import Answer
from supervisor.ledger.changes import Changes
from supervisor.observations import Report
from supervisor.recorder.recorder import CURSOR_DELAY
from tests.delivery.sending import Script
from tests.support.fake_client import BUSY, OK, REFUSED, START, Post, spans
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads, run_virtually

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


async def test_a_condition_is_sent_at_once_and_again_every_resend_interval(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.until(7)
    await bench.see(full())
    await bench.until(200)

    sent = bench.clients[ONE].sent("Disk usage")
    assert [7.001, 67.001, 127.001, 187.001] == [at for at, _ in sent]
    assert [(7.001, at + 240) for at, _ in sent] == list(spans(alert for _, alert in sent))
    assert sent[0][1]["labels"] == {
        "alertname": "Disk usage",
        "check": "m",
        "event_type": "W",
        "host": "h",
        "instance": "/",
        "service": "X",
    }


async def test_a_changed_message_is_sent_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full(message="93 %"))
    await bench.until(20)
    await bench.see(full(message="94 %"))
    await bench.until(70)

    sent = bench.clients[ONE].sent("Disk usage")
    assert [(0.0, "93 %"), (20.001, "94 %")] == [
        (at, alert["annotations"]["message"]) for at, alert in sent
    ]


async def test_a_resolved_alert_is_sent_at_once_and_frozen_for_fifteen_minutes(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    await bench.until(100)
    await bench.see()
    await bench.until(5000)

    ended = [item for item in bench.clients[ONE].sent("Disk usage") if item[0] > 100]
    assert [100.001 + 60 * n for n in range(16)] == pytest.approx([at for at, _ in ended])
    assert {(0.0, 100.001)} == set(spans(alert for _, alert in ended))
    assert {} == bench.store.alerts


async def test_a_report_is_sent_identical_until_its_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(Report("Daily check", "hello"))
    await bench.until(5000)

    sent = bench.clients[ONE].sent("Daily check")
    assert [60.0 * n for n in range(30)] == pytest.approx([at for at, _ in sent])
    assert all(alert == sent[0][1] for _, alert in sent)
    assert [(0.0, 1800.0)] == list(spans([sent[0][1]]))


async def test_what_is_delivered_is_known_of_the_peer(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full("/"), full("/srv"))

    peer = bench.peers[ONE]
    assert ("ok", 2, START, "") == (peer.state, peer.sent, peer.last_success, peer.error)
    assert bench.outbox.pending(ONE) == []


async def test_two_slow_peers_are_sent_an_end_once_each(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    for client, seconds in zip(bench.clients.values(), (0.5, 2.0), strict=True):
        client.seconds = seconds
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(10)
    await bench.see()
    await bench.until(50)

    assert [1, 1] == [
        len([at for at, _ in client.sent("Disk usage") if at >= 10])
        for client in bench.clients.values()
    ]


async def test_a_sender_that_is_stopped_knows_what_its_peer_took(
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, max_batch=1)
    async with trio.open_nursery() as nursery:

        def stop(_post: Post) -> Answer:
            nursery.cancel_scope.cancel()
            return OK

        bench.clients[ONE].respond = stop
        await bench.live(nursery)
        await bench.see(full("/0"), full("/1"))

    assert 1 == len(bench.outbox.pending(ONE))


async def test_the_end_of_an_alert_waits_for_the_answer_to_its_beginning(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    bench.clients[ONE].seconds = 4.0
    await bench.see(full())
    await bench.until(1)
    await bench.see()
    await bench.until(3)
    during = len(bench.clients[ONE].posts)
    await bench.until(800)

    sent = bench.clients[ONE].sent("Disk usage")
    assert (1, 4.0) == (during, sent[1][0])
    ends = [end for _, end in spans(alert for _, alert in sent)]
    resolved = [at >= end for (at, _), end in zip(sent, ends, strict=True)]
    # It ended before the peer was known to have it: shown as firing for min_visible first.
    assert [False] * resolved.count(False) + [True] * resolved.count(True) == resolved
    assert 364.0 <= min(at for (at, _), over in zip(sent, resolved, strict=True) if over) <= 368.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.1, 90)), max_size=20),
    st.lists(st.sampled_from([OK, OK, BUSY, REFUSED]), max_size=20),
    st.sampled_from([0.0, 3.0]),
)
def test_never_a_stale_firing_after_a_resolved(
    flips: list[tuple[bool, float]], answers: list[Answer], took: float
) -> None:
    async def main() -> None:
        bench = RecorderBench.make(ONE)
        client = bench.clients[ONE]
        client.respond = Script([*answers, OK])
        client.seconds = took
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            for fires, pause in flips:
                await bench.see(*([full()] if fires else []))
                await trio.sleep(pause)
            await trio.sleep(3000)
            if flips and flips[-1][0]:
                assert bench.clients[ONE].sent("Disk usage") or REFUSED in answers
            nursery.cancel_scope.cancel()

        ended = -1.0
        for at, alert in client.sent("Disk usage"):
            ((start, end),) = spans([alert])
            if end <= at:
                ended = max(ended, end)
            else:
                assert start >= ended, "fires again although it began before it had ended"

    run_virtually(main)


async def test_the_cursors_reach_the_ledger_soon_after_the_delivery(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    await bench.until(1 + CURSOR_DELAY)

    keys = [key for commit in bench.ledger.commits for key in commit.cursors]
    assert [ONE] == [peer for peer, _ in keys]


async def test_what_was_accepted_is_known_though_what_was_to_follow_is_gone(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=1)
    client = bench.clients[ONE]
    client.seconds = 1.0
    await bench.live(nursery)
    await bench.until(2)
    await bench.see(full("/a"), full("/b"))
    await trio.sleep(0.5)
    (posted,) = client.posts[0].instances
    (ahead,) = [name for name, alert in bench.store.alerts.items() if alert.instance != posted]
    bench.store.adopt(Changes(alerts={ahead: None}))
    await trio.sleep(5)

    assert bench.outbox.pending(ONE) == []
