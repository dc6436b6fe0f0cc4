"""What a peer is sent, when, and what its answers change; in virtual time."""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisor.delivery.pace import MAX_BATCH_BYTES
from supervisor.delivery.replies import Answer, Reply
from supervisor.ledger.changes import Changes
from supervisor.observations import Duration, Report
from supervisor.recorder.recorder import CURSOR_DELAY
from tests.support.recorder_bench import (
    BUSY,
    FORBIDDEN,
    OK,
    ONE,
    REFUSED,
    START,
    TWO,
    FakeClient,
    Post,
    RecorderBench,
    full,
    no_threads,
    run_virtually,
    spans,
)

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


@define
class Script:
    """Answers one after another; the last for ever."""

    answers: Sequence[Answer]
    given: int = field(default=0)

    def __call__(self, _post: Post) -> Answer:
        self.given += 1
        return self.answers[min(self.given, len(self.answers)) - 1]


def said_of_peers(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [item.getMessage() for item in caplog.records if item.name == "supervisor.peers"]


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


async def test_a_batch_has_at_most_max_batch_alerts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE, max_batch=3)
    await bench.see(*(full(f"/{n}") for n in range(8)))

    assert [3, 3, 2] == [len(post.alerts) for post in bench.clients[ONE].posts]


async def test_a_batch_has_at_most_a_mebibyte(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    post = FakeClient.post

    async def measured(
        client: FakeClient, alerts: list[bytes], *arguments: Any, **settings: Any
    ) -> Answer:
        sizes.append(len(b"[" + b",".join(alerts) + b"]"))
        return await post(client, alerts, *arguments, **settings)

    monkeypatch.setattr(FakeClient, "post", measured)
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(*(full(f"/{n}", detail="x" * 262_000) for n in range(9)))

    assert [3, 3, 3] == [len(batch.alerts) for batch in bench.clients[ONE].posts]
    assert max(sizes) <= MAX_BATCH_BYTES


async def test_what_changes_after_the_next_batch_was_made_is_posted_as_it_is_then(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    await bench.live(nursery)
    await bench.until(2)
    for message in ("it is full", "it is fuller"):
        await bench.see(*(full(f"/{n}", message) for n in range(4)))
    await bench.until(30)

    messages = [[alert["annotations"]["message"] for alert in post.alerts] for post in client.posts]
    assert [["it is full"] * 2, ["it is fuller"] * 2, ["it is fuller"] * 2] == messages
    assert [2.001, 3.001, 4.001] == [post.at for post in client.posts]


async def test_what_is_made_ahead_is_not_lost_when_the_batch_before_it_is_refused(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    client.respond = Script([BUSY, OK])
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(6)))
    await bench.until(30)

    taken = [instance for post in client.posts[1:] for instance in post.instances]
    assert [f"/{n}" for n in range(6)] == sorted(taken)


async def test_what_is_made_ahead_is_not_lost_when_the_clock_is_set(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    await bench.live(nursery)
    await bench.until(2)
    await bench.see(*(full(f"/{n}") for n in range(6)))
    bench.clock.step(100)
    await trio.sleep(20)

    later = {instance for post in client.posts for instance in post.instances if post.at > 100}
    assert {f"/{n}" for n in range(6)} == later


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


async def test_a_batch_that_is_too_large_is_halved(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    too_large = Answer(Reply.SPLIT, "HTTP 413")
    bench.clients[ONE].respond = lambda post: too_large if len(post.alerts) > 3 else OK
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(10)))

    assert [10, 5, 2, 3, 5, 2, 3] == [len(post.alerts) for post in bench.clients[ONE].posts]
    assert bench.own == {}


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


@pytest.mark.parametrize("jitter", [1.0, 0.5])
async def test_back_off_doubles_from_one_second_to_sixty_with_full_jitter(
    nursery: trio.Nursery, autojump_clock: MockClock, jitter: float
) -> None:
    bench = RecorderBench.make(ONE)
    bench.jitter = jitter
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(400)

    times = [post.at for post in bench.clients[ONE].posts]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    expected = [jitter * wait for wait in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    assert expected == pytest.approx(waits[:9])


async def test_without_luck_the_jitter_does_not_stop_the_loop(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.jitter = 0.0
    bench.clients[ONE].respond = Script([*[BUSY] * 50, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(1)

    assert (51, "ok") == (len(bench.clients[ONE].posts), bench.peers[ONE].state)


async def test_a_success_ends_the_back_off(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = Script([BUSY, BUSY, BUSY, OK, BUSY, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(100)

    assert [0.0, 1.0, 3.0, 7.0, 67.0, 68.0] == [post.at for post in bench.clients[ONE].posts]
    assert {"HTTP 503": 4} == bench.peers[ONE].errors


@pytest.mark.parametrize(
    ("retry_after", "resend", "wait"),
    [
        (0.0, 60.0, 1.0),
        (0.2, 60.0, 1.0),
        (17.0, 60.0, 17.0),
        (1e9, 60.0, 120.0),
        (130.0, 60.0, 120.0),
        (1e9, 200.0, 300.0),
        (299.0, 200.0, 299.0),
    ],
)
async def test_retry_after_is_honoured_within_bounds(
    nursery: trio.Nursery, autojump_clock: MockClock, retry_after: float, resend: float, wait: float
) -> None:
    bench = RecorderBench.make(ONE, resend=resend)
    asks = Answer(Reply.RETRY, "HTTP 429", retry_after=retry_after)
    bench.clients[ONE].respond = Script([asks, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(wait + 1)

    assert [0.0, wait] == [post.at for post in bench.clients[ONE].posts][:2]


async def test_a_misconfigured_peer_raises_an_alert_and_everything_is_kept(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].respond = lambda _post: FORBIDDEN
    await bench.live(nursery)
    await bench.see(full("/"), full("/srv"))
    await bench.until(100)
    wrong = (bench.peers[ONE].state, bench.own, len(bench.outbox.pending(ONE)))
    bench.clients[ONE].respond = lambda _post: OK
    await bench.until(300)

    assert ("misconfigured", {"PeerMisconfigured": ONE}, 3) == wrong
    told = bench.clients[TWO].sent("PeerMisconfigured")
    assert "does not take alerts: HTTP 403; all are kept" in told[0][1]["annotations"]["message"]
    assert ("ok", {}, []) == (bench.peers[ONE].state, bench.own, bench.outbox.pending(ONE))


async def test_a_peer_that_is_only_down_raises_no_alert(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.peers")
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(3600)
    down = (bench.peers[ONE].state, bench.peers[ONE].error, bench.own)
    bench.clients[ONE].respond = lambda _post: OK
    await bench.until(3700)

    assert ("retrying", "HTTP 503", {}) == down
    assert [
        f"{ONE}: Alertmanager (version unknown) is reachable",
        f"{ONE}: cannot deliver: HTTP 503; keeping everything",
        f"{ONE}: delivering again",
    ] == said_of_peers(caplog)


async def test_a_dead_peer_does_not_slow_a_healthy_one(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].seconds = 5.0
    bench.clients[ONE].respond = lambda _post: Answer(Reply.RETRY, "timeout")
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(20)
    await bench.see()
    await bench.until(190)

    assert [0.0, 20.001, 80.001, 140.001] == [at for at, _ in bench.clients[TWO].sent("Disk usage")]
    assert bench.peers[TWO].errors.total() == 0
    # With full jitter at its longest: 5 s for each request, and 1, 2, 4, 8, 16, 32, 60 s between.
    assert [5.0, 11.0, 18.0, 27.0, 40.0, 61.0, 98.0, 163.0] == pytest.approx(
        [post.at for post in bench.clients[ONE].posts], abs=0.01
    )


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


async def test_the_clock_of_a_peer_is_measured_before_the_first_post(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].skew = 3600.0
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(10)
    told = bench.clients[TWO].sent("PeerClockSkew")
    own = bench.own
    bench.clients[ONE].skew = 0.5
    await bench.until(70)

    assert [(3600.0, 3840.0)] == list(spans([bench.clients[ONE].sent("Disk usage")[0][1]]))
    assert [(0.0, 240.0)] == list(spans([bench.clients[TWO].sent("Disk usage")[0][1]]))
    assert {"PeerClockSkew": ONE} == own
    assert told[0][1]["annotations"]["message"] == (
        f"the clock of {ONE} is 60 min ahead of this host's; "
        "times sent to it are shifted; check NTP on both"
    )
    assert ({}, 0.0) == (bench.own, bench.peers[ONE].shift)


@pytest.mark.parametrize(("skew", "shift"), [(30.0, 0), (-30.0, 0), (30.6, 31), (-40.0, -40)])
async def test_only_more_than_thirty_seconds_are_allowed_for(
    nursery: trio.Nursery, autojump_clock: MockClock, skew: float, shift: float
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].skew = skew
    await bench.live(nursery)
    await bench.see(full())

    assert shift == bench.peers[ONE].shift
    assert skew == pytest.approx(bench.peers[ONE].skew)
    assert [(shift, shift + 240)] == list(spans([bench.clients[ONE].sent("Disk usage")[0][1]]))


async def test_what_was_sent_with_wrong_times_is_sent_again_shifted(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    bench.clients[ONE].skew = -3600.0
    await bench.see(full())
    pending = len(bench.outbox.pending(ONE))
    await bench.until(10)

    sent = bench.clients[ONE].sent("Disk usage")
    assert 0 == pending
    assert [0.0, 0.0] == [at for at, _ in sent]
    assert [(0.0, 240.0), (-3600.0, -3360.0)] == list(spans(alert for _, alert in sent))
    assert bench.outbox.pending(ONE) == []


async def test_halves_of_a_batch_are_not_delivered_with_wrong_times(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    bench.clients[ONE].skew = 3600.0
    bench.clients[ONE].respond = lambda post: REFUSED if "/3" in post.instances else OK
    await bench.see(*(full(f"/{n}") for n in range(4)))
    await bench.until(30)

    wrong, *right = bench.clients[ONE].posts
    assert 4 == len(wrong.alerts)
    assert right
    assert all(start >= 3600.0 for post in right for start, _ in spans(post.alerts))
    assert bench.outbox.pending(ONE) == []


@pytest.mark.parametrize("apart", [10.0, 45.0, 500.0, 1e8])
async def test_a_peer_whose_date_wanders_takes_all_and_has_the_ends_of_all(
    nursery: trio.Nursery, autojump_clock: MockClock, apart: float
) -> None:
    bench = RecorderBench.make(ONE, TWO, max_batch=256)
    dates = itertools.cycle([-apart, apart])
    bench.clients[ONE].respond = lambda _post: Answer(
        Reply.DELIVERED, "HTTP 200", date=bench.clock.now() + next(dates)
    )
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(600)))
    await bench.until(30)
    posts = len(bench.clients[ONE].posts)
    firing = {instance for post in bench.clients[ONE].posts for instance in post.instances}
    pending = len(bench.outbox.pending(ONE))
    await bench.see()
    await bench.until(60)

    assert ({f"/{n}" for n in range(600)} - firing, pending) == (set(), 0)
    assert posts <= 6
    assert bench.outbox.pending(ONE) == []
    assert ("ok", "") == (bench.peers[ONE].state, bench.peers[ONE].error)
    told = bench.clients[TWO].sent("PeerClockSkew")
    assert [] == told if apart == 10.0 else "jumps" in told[-1][1]["annotations"]["message"]


async def test_a_clock_that_wanders_a_little_keeps_its_shift(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].skew = 100.0
    await bench.live(nursery)
    await bench.see(full())
    bench.clients[ONE].skew = 104.9
    await bench.until(70)
    steady = (bench.peers[ONE].shift, bench.peers[ONE].errors.total())
    bench.clients[ONE].skew = 107.0
    await bench.until(130)

    assert (100.0, 0) == steady
    assert 107.0 == bench.peers[ONE].shift


async def test_the_difference_in_the_alert_follows_the_clock(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].skew = 40.0
    await bench.live(nursery)
    await bench.see(full())
    bench.clients[ONE].skew = 7200.0
    await bench.until(70)

    told = [
        alert["annotations"]["message"] for _, alert in bench.clients[TWO].sent("PeerClockSkew")
    ]
    assert "is 40 s ahead of" in told[0]
    assert "is 2 h 0 min ahead of" in told[-1]


async def test_the_shift_of_a_report_is_frozen_for_each_peer(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].skew = 100.0
    await bench.live(nursery)
    await bench.see(Report("Daily check", "hello"), full())
    await bench.until(100)
    bench.clients[ONE].skew = 0.0
    await bench.until(300)

    reports = list(spans(alert for _, alert in bench.clients[ONE].sent("Daily check")))
    conditions = list(spans(alert for _, alert in bench.clients[ONE].sent("Disk usage")))
    assert {(100.0, 1900.0)} == set(reports)
    assert len(reports) > 4
    assert (100.0, 0.0) == (conditions[0][0], conditions[-1][0])
    assert {(0.0, 1800.0)} == set(
        spans(alert for _, alert in bench.clients[TWO].sent("Daily check"))
    )


async def test_a_peer_that_is_down_at_the_start_is_said_to_be_and_tried(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].greeting = BUSY
    await bench.live(nursery)
    await bench.see(full())

    assert [f"{ONE}: health check failed: HTTP 503"] == said_of_peers(caplog)
    assert len(bench.clients[ONE].posts) == 1


async def test_a_sender_counts_as_alive_while_it_greets_and_while_it_backs_off(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, timeout=Duration(20))
    bench.clients[ONE].seconds = 20.0
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    longest = 0.0
    while bench.seconds() < 1000:
        longest = max(longest, trio.current_time() - bench.peers[ONE].alive_at)
        await trio.sleep(0.5)

    assert longest <= 30.5


async def test_the_cursors_reach_the_ledger_soon_after_the_delivery(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    await bench.until(1 + CURSOR_DELAY)

    keys = [key for commit in bench.ledger.commits for key in commit.cursors]
    assert [ONE] == [peer for peer, _ in keys]


@define
class WholeSeconds(FakeClient):
    """Shows its time as the header Date does."""

    async def _answer(self, *arguments: Any, **settings: Any) -> Answer:
        found = await super()._answer(*arguments, **settings)
        assert found.date is not None
        return evolve(found, date=float(math.floor(found.date)))


async def test_a_clock_at_the_limit_is_one_skew_and_not_hundreds(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    settings = bench.clients[ONE].settings
    bench.clients[ONE] = WholeSeconds(ONE, settings, clock=bench.clock, seconds=0.013, skew=30.5)
    await bench.live(nursery)
    for number in range(100):
        await bench.see(full(message=f"{number}"))
        await trio.sleep(10.37)

    assert bench.peers[ONE].errors.total() == 0
    assert len(bench.clients[ONE].posts) <= 120
    assert 1 == len({alert["startsAt"] for _, alert in bench.clients[TWO].sent("PeerClockSkew")})


@pytest.mark.parametrize(
    ("asked", "state"),
    [(FORBIDDEN, "retrying"), (Answer(Reply.MISCONFIGURED, "certificate"), "misconfigured")],
)
async def test_why_a_peer_hangs_up_is_asked_and_only_its_certificate_counts(
    nursery: trio.Nursery, autojump_clock: MockClock, asked: Answer, state: str
) -> None:
    url = ONE.replace("http:", "https:")
    bench = RecorderBench.make(url)
    bench.clients[url].greeting = asked
    bench.clients[url].respond = lambda _post: Answer(Reply.RETRY, "transport", "ReadError")
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(1)

    assert bench.peers[url].state == state


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


async def test_a_peer_that_was_upgraded_is_known_by_its_new_version(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = RecorderBench.make(ONE)
    client = bench.clients[ONE]
    client.greeting = versioned("0.27.0")
    await bench.live(nursery)
    await bench.until(1000)
    before = bench.peers[ONE].version
    client.greeting = versioned("0.28.1")
    await bench.until(2000)
    after = bench.peers[ONE].version
    client.greeting = Answer(Reply.MISCONFIGURED, "HTTP 404")
    await bench.until(4000)

    assert (before, after, bench.peers[ONE].version) == ("0.27.0", "0.28.1", "0.28.1")
    assert said_of_peers(caplog) == [
        f"{ONE}: Alertmanager {version} is reachable" for version in ("0.27.0", "0.28.1")
    ]


def versioned(version: str) -> Answer:
    body = json.dumps({"versionInfo": {"version": version}}).encode()
    return Answer(Reply.DELIVERED, "HTTP 200", body=body)
