"""The last resort in virtual time: what is told of an outage, when, and how often."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.alerts.alert import SUPERVISOR
from supervisor.config.service import Maintenance
from supervisor.delivery.silences.silence import Matcher
from supervisor.observations import Duration, Report
from tests.delivery.fallback.bench import AFTER, BACKOFF, EVERY, OFTEN, FallbackBench, error
from tests.support.fake_client import BUSY, FORBIDDEN, OK, START, TOO_SLOW
from tests.support.recorder_bench import ONE, TWO, full, no_threads
from tests.support.silent_peers import WANTED

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


async def test_an_outage_is_told_once_after_its_time_and_the_spread(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, TWO)
    bench.peers_fail()
    await bench.until(100)
    await bench.bench.see(error())
    await bench.until(100 + AFTER + bench.spread - 1)
    assert bench.sent == []
    await bench.until(100 + AFTER + bench.spread + BACKOFF)

    (told,) = bench.sent
    assert told.channel == "mail"
    assert "1 alert not told" in told.subject
    assert "E Disk usage /" in told.text
    assert f"{ONE}\n    HTTP 503" in told.text
    assert 0 <= bench.spread < EVERY / 6


async def test_one_digest_comes_in_each_period_as_long_as_something_is_owed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE)
    await bench.see_alone(error())
    await bench.until(6 * EVERY)

    gaps = [b.at - a.at for a, b in pairwise(bench.sent)]
    assert AFTER + bench.spread <= bench.sent[0].at <= AFTER + bench.spread + BACKOFF
    assert len(gaps) == 5
    assert EVERY <= min(gaps) <= max(gaps) <= EVERY + BACKOFF
    assert len({each.identity for each in bench.sent}) == len(bench.sent)


async def test_nothing_is_told_while_any_peer_takes_alerts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, TWO)
    bench.peers_answer(BUSY, TWO)
    await bench.bench.see(error())
    await bench.until(5 * EVERY)

    assert bench.sent == []
    assert not any(SUPERVISOR in commit.modules for commit in bench.bench.ledger.commits)


async def test_a_peer_that_takes_something_resets_the_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE)
    await bench.see_alone(error())
    await bench.until(AFTER - 100)
    bench.peers_answer()
    await bench.until(AFTER - 10)
    bench.peers_fail()
    await bench.until(AFTER + bench.spread + 200)
    assert bench.sent == []
    await bench.until(2 * AFTER + bench.spread + 2 * BACKOFF)

    assert len(bench.sent) == 1  # the peer stopped before it can have notified


async def test_a_peer_that_answers_again_while_its_sender_waits_is_waited_for(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, TWO)
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread - 1)
    bench.peers_answer(OK, TWO)  # its sender waits for up to a minute before it tries again
    await bench.until(2 * EVERY)

    assert bench.sent == []


async def test_what_a_peer_has_surely_told_is_not_owed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE)
    await bench.bench.see(error())
    await bench.until(600)
    bench.peers_fail()
    await bench.until(5 * EVERY)

    assert bench.sent == []


async def test_alerts_of_other_types_are_not_worth_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE)
    await bench.see_alone(full(), Report("Daily", "all is well"))
    await bench.until(5 * EVERY)
    assert bench.sent == []
    await bench.bench.see(full(), error("/var"))
    await bench.until(5 * EVERY + AFTER + bench.spread + 2 * BACKOFF)

    (told,) = bench.sent
    assert "E Disk usage /var" in told.text
    assert "Daily" not in told.text


async def test_an_alert_that_has_ended_is_told_since_no_peer_knows_of_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    await bench.until(60)
    await bench.bench.see()
    await bench.until(AFTER + bench.spread + 10)

    (told,) = bench.sent
    assert " until " in told.text


async def test_what_a_window_holds_is_not_owed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    config = bench.bench.store.config
    window = Maintenance("always", ("00:00-23:59",), settle=Duration(60))
    config.service = evolve(config.service, maintenance=(window,))
    await bench.live(nursery)
    await bench.see_alone(error())
    await bench.until(AFTER + 700)

    assert [alert.state.value for alert in bench.bench.store.alerts.values()] == ["held"]
    assert bench.sent == []


async def test_what_a_silence_waits_for_is_not_told(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    bench = FallbackBench.make(ONE)
    bench.bench.waiting.path = tmp_path / "silences.json"
    bench.bench.clients[ONE].greeting = BUSY
    await bench.live(nursery)
    await bench.see_alone(error())
    (alert,) = bench.bench.store.alerts.values()
    quiet = evolve(WANTED, matchers=(Matcher("instance", alert.instance),), ends_at=START + 5000)
    await bench.bench.waiting.keep([quiet], [ONE], START)
    await bench.until(5000)
    assert bench.sent == []

    await bench.until(5000 + AFTER + bench.spread + BACKOFF)
    assert len(bench.digests) == 1


@pytest.mark.parametrize("answer", [FORBIDDEN, TOO_SLOW], ids=["forbidden", "hangs"])
async def test_the_digest_says_why_no_peer_takes_anything(
    answer: object, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE)
    bench.peers_fail(answer)  # type: ignore[arg-type]
    await bench.bench.see(error())
    await bench.until(AFTER + bench.spread + BACKOFF)

    (told,) = bench.sent
    assert str(answer) in told.text


async def test_that_a_peer_answers_again_is_told_once_and_only_after_a_digest(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, TWO)
    await bench.see_alone(error())
    await bench.until(AFTER / 2)
    bench.peers_answer()
    await bench.until(AFTER / 2 + BACKOFF)
    assert bench.sent == []  # this outage was not told
    bench.peers_fail()
    await bench.until(3 * AFTER + EVERY)
    assert [each.kind for each in bench.sent][:1] == ["digest"]
    known = len(bench.sent)
    bench.peers_answer()
    await bench.until(3 * AFTER + 2 * EVERY)

    assert [each.kind for each in bench.sent[known:]] == ["end"]
    assert "answers again" in bench.sent[-1].subject


async def test_a_second_outage_within_the_period_waits_for_its_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await FallbackBench.started(nursery, ONE, jitter=OFTEN)
    await bench.see_alone(error())
    await bench.until(AFTER + bench.spread + 10)
    bench.peers_answer()
    await bench.until(AFTER + bench.spread + 2 * BACKOFF)
    await bench.see_alone(error("/var"))
    await bench.until(AFTER + bench.spread + EVERY - 1)
    assert [each.kind for each in bench.sent] == ["digest", "end"]
    await bench.until(AFTER + bench.spread + EVERY + 5)

    assert [each.kind for each in bench.sent] == ["digest", "end", "digest"]


async def test_it_sleeps_while_all_is_well(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = FallbackBench.make(ONE)
    looks = []
    look = type(bench.bench.clock).doze

    async def doze(clock: object, until: float, sleeper: object) -> None:
        looks.append(until)
        await look(clock, until, sleeper)  # type: ignore[arg-type]

    monkeypatch.setattr(type(bench.bench.clock), "doze", doze)
    await bench.live(nursery)
    for minute in range(60):
        await bench.until(60 * minute)
        await bench.bench.see(error(message=f"{minute} %"))

    assert looks == [float("inf")]
