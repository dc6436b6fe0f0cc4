"""One alert that a peer does not take does not hold up the others; in virtual time."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisor.delivery.replies import Answer, Reply
from supervisor.ledger.changes import Changes
from tests.delivery.failing import HANGS_UP, POISON, good_posts, lapses, poisoned
from tests.support.fake_client import BUSY, FORBIDDEN, OK, TOO_SLOW, spans
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads, run_virtually

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

HANGS = TOO_SLOW
WAF = Answer(Reply.MISCONFIGURED, "HTTP 406")
ASKS_TO_WAIT = Answer(Reply.RETRY, "HTTP 503", retry_after=30.0)
ASKS_FOR_LONG = Answer(Reply.RETRY, "HTTP 503", retry_after=300.0)


@settings(deadline=None, max_examples=20)
@given(
    how=st.sampled_from([HANGS_UP, HANGS, BUSY, FORBIDDEN, WAF, ASKS_TO_WAIT, ASKS_FOR_LONG]),
    others=st.integers(1, 300),
    max_batch=st.sampled_from([1, 7, 256]),
    jitter=st.sampled_from([0.05, 0.3, 1.0]),
    resend=st.sampled_from([30.0, 60.0]),
    place=st.integers(0, 40),
)
def test_whatever_one_alert_does_every_other_is_delivered_before_its_end(
    how: Answer, others: int, max_batch: int, jitter: float, resend: float, place: int
) -> None:
    async def main() -> None:
        bench = RecorderBench.make(ONE, resend=resend, max_batch=max_batch)
        bench.jitter = jitter
        client = bench.clients[ONE]
        if how is HANGS:
            client.hangs = lambda post: POISON in post.instances
        else:
            client.respond = poisoned(how)
        seen = [full(f"/{n}") for n in range(others)]
        seen.insert(place, full(POISON))
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            await bench.see(*seen)
            await bench.until(600)
            late = bench.seconds()
            await bench.see(*seen, full("/new"))
            await bench.until(late + 100)
            nursery.cancel_scope.cancel()

        taken = good_posts(bench)
        assert set(taken) == {f"/{n}" for n in range(others)} | {"/new"}
        for posts in taken.values():
            assert lapses(posts) == []
        assert all(posts[0][0] <= 4 * resend for name, posts in taken.items() if name != "/new")
        assert taken["/new"][0][0] <= late + 65
        (pending,) = [a for a in bench.outbox.pending(ONE) if a.alertname == "Disk usage"]
        assert pending.instance == POISON
        assert not bench.cursors.is_rejected(pending)
        assert bench.peers[ONE].errors[how.reason] > 3

    run_virtually(main)


@settings(deadline=None, max_examples=20)
@given(
    st.sets(st.integers(0, 29), max_size=5),
    st.sampled_from([HANGS_UP, BUSY, FORBIDDEN, ASKS_FOR_LONG]),
)
def test_several_bad_alerts_stop_no_other_either(bad: set[int], how: Answer) -> None:
    names = {f"/{n}" for n in bad}

    async def main() -> None:
        bench = RecorderBench.make(ONE)
        bench.clients[ONE].respond = poisoned(how, *names) if names else lambda _post: OK
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            await bench.see(*(full(f"/{n}") for n in range(30)))
            await bench.until(1200)
            nursery.cancel_scope.cancel()

        for number in {*range(30)} - bad:
            posts = [
                (post.at, next(end for _, end in spans(post.alerts)))
                for post in bench.clients[ONE].posts
                if f"/{number}" in post.instances and not names & set(post.instances)
            ]
            assert posts
            assert posts[0][0] < 240
            assert lapses(posts) == []
            assert posts[-1][0] > 960

    run_virtually(main)


async def test_an_alert_that_hangs_is_found_although_all_others_are_due_again_and_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, resend=10.0)
    bench.jitter = 0.05
    bench.clients[ONE].hangs = lambda post: POISON in post.instances
    await bench.live(nursery)
    await bench.see(full(POISON), *(full(f"/{n}") for n in range(7)))
    await bench.until(300)

    taken = good_posts(bench)
    assert set(taken) == {f"/{n}" for n in range(7)}
    assert [lapses(posts) for posts in taken.values()] == [[]] * 7
    mixed = [post for post in bench.clients[ONE].posts if {POISON} < set(post.instances)]
    assert [8, 4, 2] == [len(post.alerts) for post in mixed]


async def test_an_alert_that_fails_alone_waits_longer_and_longer_and_is_shown(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.peers")
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = poisoned(BUSY)
    await bench.live(nursery)
    await bench.see(full("/good"), full(POISON))
    await bench.until(400)

    tries = [post.at for post in bench.clients[ONE].posts if post.instances == [POISON]]
    waits = [after - before for before, after in pairwise(tries)]
    assert waits[:7] == pytest.approx([1, 2, 4, 8, 16, 32, 60])
    peer = bench.peers[ONE]
    assert ("retrying", "HTTP 503") == (peer.state, peer.error)
    assert [POISON] == [alert.instance for alert in bench.outbox.pending(ONE)]
    named = [line for line in caplog.messages if "takes other alerts, but not 'Disk usage'" in line]
    assert len(named) == 1
    assert bench.own == {}

    bench.clients[ONE].respond = lambda _post: OK
    await bench.until(500)
    assert ("ok", "", []) == (peer.state, peer.error, bench.outbox.pending(ONE))


async def test_a_new_alert_does_not_wait_for_the_back_off_of_a_bad_one(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = poisoned(HANGS_UP)
    await bench.live(nursery)
    await bench.see(full(POISON))
    await bench.until(40)
    await bench.see(full(POISON), full("/new"))

    assert ["/new"] == bench.clients[ONE].posts[-1].instances
    assert 40.0 == pytest.approx(bench.clients[ONE].posts[-1].at, abs=0.01)


async def test_a_bad_alert_that_changes_again_and_again_stays_apart_and_waits(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = poisoned(HANGS_UP)
    await bench.live(nursery)
    for number in range(300):
        await bench.see(full("/good"), full(POISON, f"{number}"))
        await trio.sleep(1)

    posts = bench.clients[ONE].posts
    assert [2] == [len(post.alerts) for post in posts if len(post.alerts) > 1]
    assert len([post for post in posts if POISON in post.instances]) < 14


async def test_a_bad_alert_that_ends_is_forgotten_and_its_peer_is_well_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = poisoned(BUSY)
    await bench.live(nursery)
    await bench.see(full("/good"), full(POISON))
    await bench.until(100)
    (bad,) = [name for name, alert in bench.store.alerts.items() if alert.instance == POISON]
    gone = Changes(alerts={bad: None})
    bench.store.adopt(gone)
    bench.outbox.requeue(gone.alerts)
    await bench.until(300)

    assert ("ok", "") == (bench.peers[ONE].state, bench.peers[ONE].error)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.sets(st.sampled_from(["/a", "/b", POISON])), st.floats(0.1, 90)),
             max_size=20),
    st.sampled_from([HANGS_UP, BUSY, FORBIDDEN]),
    st.sampled_from([0.0, 3.0]),
)  # fmt: skip
def test_the_order_of_each_alert_is_kept_beside_a_bad_one(
    steps: list[tuple[set[str], float]], how: Answer, took: float
) -> None:
    async def main() -> None:
        bench = RecorderBench.make(ONE)
        client = bench.clients[ONE]
        client.respond = poisoned(how)
        client.seconds = took
        async with trio.open_nursery() as nursery:
            await bench.live(nursery)
            for firing, pause in steps:
                await bench.see(*(full(name) for name in sorted(firing)))
                await trio.sleep(pause)
            await trio.sleep(600)
            client.respond = lambda _post: OK
            await trio.sleep(3000)
            nursery.cancel_scope.cancel()

        for name in ("/a", "/b", POISON):
            assert in_order(client.sent("Disk usage"), name)

    run_virtually(main)


def in_order(sent: list[tuple[float, dict[str, Any]]], name: str) -> bool:
    """Return whether no firing that began before an end was sent after that end."""
    ended = -1.0
    for at, alert in sent:
        if alert["labels"]["instance"] != name:
            continue
        ((start, end),) = spans([alert])
        if end <= at:
            ended = max(ended, end)
        elif start < ended:
            return False
    return True
