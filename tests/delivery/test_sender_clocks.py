"""What a sender does about a peer whose clock differs; in virtual time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from supervisor.delivery.replies import Answer, Reply
from supervisor.observations import Report
from tests.support.fake_client import OK, REFUSED, FakeClient, spans
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


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
