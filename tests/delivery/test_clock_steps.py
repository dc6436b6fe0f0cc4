"""A clock that is set by an hour or a day, here or at a peer, loses nothing and ends nothing."""

from __future__ import annotations

from collections import defaultdict

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from supervisor.delivery.replies import Answer
from supervisor.observations import Report
from tests.support.fake_client import OK, REFUSED, Post, moment
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

HOUR, DAY = 3600.0, 86_400.0
STEPS = [-DAY, -HOUR, HOUR, DAY]
MIN_VISIBLE = 360.0


@define
class StrictPeer:
    """An Alertmanager that goes by its own clock, which is `ahead` of the true time.

    `active` holds from when to when it showed each alert, in seconds of the true time.
    """

    ahead: float = 0.0
    active: dict[str, list[tuple[float, float]]] = field(factory=lambda: defaultdict(list))

    def answer(self, post: Post) -> Answer:
        if any(self.take(alert) for alert in post.alerts):
            return REFUSED
        return OK

    def take(self, alert: dict[str, object]) -> bool:
        """Keep the alert; return whether it is nonsense."""
        now = trio.current_time()
        start, end = (moment(str(alert[key])) - self.ahead for key in ("startsAt", "endsAt"))
        if end < start:
            return True
        labels = alert["labels"]
        assert isinstance(labels, dict)
        spans = self.active[labels["alertname"]]
        if spans and spans[-1][1] > now:
            spans[-1] = (spans[-1][0], max(now, end) if end > now else now)
        elif end > now:
            spans.append((now, end))
        return False

    def shown(self, name: str) -> list[tuple[int, int]]:
        return [(round(since), round(until)) for since, until in self.active[name]]


def staged(ahead: float = 0.0) -> tuple[RecorderBench, StrictPeer]:
    """Return a bench whose first peer is strict, and whose second tells what was announced."""
    bench = RecorderBench.make(ONE, TWO)
    peer = StrictPeer(ahead)
    bench.clients[ONE].respond = peer.answer
    bench.clients[ONE].skew = ahead
    return bench, peer


def set_the_clock(bench: RecorderBench, step: float) -> None:
    """Set this host's clock; those of the peers stay as they are."""
    bench.clock.step(step)
    for client in bench.clients.values():
        client.skew = (client.skew or 0.0) - step


async def run_until(bench: RecorderBench, end: float, *seen: object) -> None:
    """Let the module run every ten seconds of the true time."""
    while trio.current_time() < end - 1:
        await bench.see(*seen)  # type: ignore[arg-type]  # conditions
        await trio.sleep(10 - trio.current_time() % 10)


@pytest.mark.parametrize("step", STEPS)
async def test_what_fires_stays_active_at_a_peer_while_the_clock_is_set(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench, peer = staged()
    await bench.live(nursery)
    await bench.see(Report("Daily check", "hello"), full())
    await run_until(bench, 100, full())
    set_the_clock(bench, step)
    await run_until(bench, 1000, full())
    own = bench.own
    await run_until(bench, 2000)

    assert [(0, 1000)] == peer.shown("Disk usage")
    assert [(0, 1800)] == peer.shown("Daily check")
    assert "PeerClockSkew" in own
    assert bench.own == own
    assert {} == bench.peers[ONE].errors


@pytest.mark.parametrize("step", STEPS)
async def test_a_clock_that_is_set_and_set_right_again_leaves_no_trace(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench, peer = staged()
    await bench.live(nursery)
    await run_until(bench, 100, full())
    set_the_clock(bench, step)
    await run_until(bench, 300, full())
    set_the_clock(bench, -step)
    await run_until(bench, 600, full())
    await run_until(bench, 2000)

    assert [(0, 600)] == peer.shown("Disk usage")
    assert {} == bench.own
    assert {} == bench.store.alerts


@pytest.mark.parametrize("step", STEPS)
async def test_what_an_outage_left_is_shown_for_min_visible_though_the_clock_is_set(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench, peer = staged()
    for client in bench.clients.values():
        client.seconds = 3.0  # it is over before anybody has answered
    await bench.live(nursery)
    await bench.see(full())
    await trio.sleep(1)
    await bench.see()
    await run_until(bench, 200)
    set_the_clock(bench, step)
    await run_until(bench, 3000)

    ((since, until),) = peer.shown("Disk usage")
    assert MIN_VISIBLE - 5 <= until - since <= 2 * MIN_VISIBLE + 300


@pytest.mark.parametrize("step", STEPS)
async def test_an_answer_that_comes_after_the_step_is_not_taken_for_more_than_it_is(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench, peer = staged()
    for client in bench.clients.values():
        client.seconds = 3.0
    await bench.live(nursery)
    await trio.sleep(4)  # it has greeted
    await bench.see(full())
    await trio.sleep(1)
    await bench.see()
    set_the_clock(bench, step)
    await run_until(bench, 3000)

    ((since, until),) = peer.shown("Disk usage")
    assert MIN_VISIBLE - 5 <= until - since <= 2 * MIN_VISIBLE + 300


@pytest.mark.parametrize("step", STEPS)
async def test_a_report_made_after_the_step_is_notified(
    nursery: trio.Nursery, autojump_clock: MockClock, step: float
) -> None:
    bench, peer = staged()
    await bench.live(nursery)
    await run_until(bench, 100, full())
    set_the_clock(bench, step)
    await run_until(bench, 200, full())
    await bench.see(Report("Daily check", "hello"), full())
    await run_until(bench, 5000, full())

    assert [(200, 2000)] == peer.shown("Daily check")


@pytest.mark.parametrize("ahead", [-DAY, -HOUR, -31.0, 31.0, HOUR, DAY])
async def test_a_peer_with_a_wrong_clock_shows_everything_at_the_right_time(
    nursery: trio.Nursery, autojump_clock: MockClock, ahead: float
) -> None:
    bench, peer = staged(ahead)
    await bench.live(nursery)
    await bench.see(Report("Daily check", "hello"), full())
    await run_until(bench, 500, full())
    await run_until(bench, 2000)

    assert [(0, 500)] == peer.shown("Disk usage")
    assert [(0, 1800)] == peer.shown("Daily check")
    assert {"PeerClockSkew": ONE} == bench.own
    side = "ahead of" if ahead > 0 else "behind"
    told = bench.clients[TWO].sent("PeerClockSkew")[0][1]["annotations"]["message"]
    assert f"{side} this host's" in told


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
async def test_a_peer_whose_clock_is_set_is_followed(
    nursery: trio.Nursery, autojump_clock: MockClock, ahead: float
) -> None:
    bench, peer = staged()
    await bench.live(nursery)
    await run_until(bench, 100, full())
    peer.ahead = ahead
    bench.clients[ONE].skew = ahead
    await run_until(bench, 500, full())
    await run_until(bench, 2000)

    assert 500 == peer.shown("Disk usage")[-1][1]
    assert abs(bench.peers[ONE].shift - ahead) < 1
