"""A day without any Alertmanager, in virtual time: what is kept, what it takes, what is told."""

from __future__ import annotations

import functools
import gc
import logging
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import supervisor
from supervisor.alerts.alert import State
from supervisor.observations import Report
from tests.support.fake_client import BUSY, OK, spans
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

HOUR = 3600
DAY = 24 * HOUR
MIN_VISIBLE = 360
STANDING = [full(f"/standing/{n}") for n in range(10)]


async def live_through(bench: RecorderBench, hours: range) -> None:
    """Let things stand, flap with different periods, happen once, and be reported each hour."""
    for hour in hours:
        for minute in range(0, 60, 5):
            await bench.until(hour * HOUR + minute * 60)
            tick = hour * 12 + minute // 5
            seen = [full(f"/flapping/{n}", f"{tick} %") for n in range(1, 9) if tick % (n + 1)]
            once = [full(f"/once/{hour}")] if minute == 30 else []
            said = [Report("Hourly", f"hour {hour}")] if minute == 0 else []
            await bench.see(*STANDING, *seen, *once, *said)


def cut_off(*urls: str) -> RecorderBench:
    bench = RecorderBench.make(*urls)
    for client in bench.clients.values():
        client.respond = lambda _post: BUSY
    return bench


def told(posts: list[tuple[float, dict[str, Any]]]) -> dict[str, list[tuple[float, bool]]]:
    """Return when each instance was sent, and whether as firing."""
    found = defaultdict(list)
    for at, alert in posts:
        ((_, end),) = spans([alert])
        found[alert["labels"]["instance"]].append((at, end > at))
    return found


async def test_what_happened_in_a_day_without_peers_is_told_afterwards(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = cut_off(ONE, TWO)
    await bench.live(nursery)
    await live_through(bench, range(24))
    await bench.until(DAY - 1)
    await bench.see(*STANDING)
    await bench.until(DAY)
    for client in bench.clients.values():
        client.posts.clear()
        client.respond = lambda _post: OK
    for quarter in range(1, 13):
        await bench.until(DAY + quarter * 900)
        await bench.see(*STANDING)

    for client in bench.clients.values():
        instances = told(client.sent("Disk usage"))
        over = {name for name in instances if not name.startswith("/standing/")}
        assert 8 + 24 == len(over)
        for name in over:
            first = instances[name][0][0]
            states = [is_firing for _, is_firing in instances[name]]
            ended = instances[name][states.index(False)][0]
            assert first <= DAY + 61
            assert ended - first >= MIN_VISIBLE
            assert sorted(states, reverse=True) == states
        for n in range(10):
            assert all(is_firing for _, is_firing in instances[f"/standing/{n}"])
        reports: dict[str, set[str]] = defaultdict(set)
        for _, alert in client.sent("Hourly"):
            reports[alert["annotations"]["message"]].add(str(alert))
        assert {f"hour {hour}": 1 for hour in range(24)} == {
            text: len(bodies) for text, bodies in reports.items()
        }
    assert 10 * [State.FIRING] == [alert.state for alert in bench.store.alerts.values()]
    assert 0 == bench.store.lost.total()


@pytest.mark.alone  # what tests before it have left may load or end while it measures
@pytest.mark.may_block("it measures memory with tracemalloc, which is slow")
async def test_half_a_day_without_peers_takes_no_more_memory_than_its_alerts(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "supervisor")  # what is captured takes memory, too
    bench = cut_off(ONE)
    client = bench.clients[ONE]
    await bench.live(nursery)
    taken = {}
    tracemalloc.start()
    try:
        for hour in range(12):
            await live_through(bench, range(hour, hour + 1))
            if hour in (5, 11):
                client.posts.clear()
                bench.ledger.commits.clear()
                taken[hour] = own_memory()
    finally:
        tracemalloc.stop()

    assert 10 + 8 + 12 + 12 == len(bench.store.alerts)
    assert taken[11] - taken[5] < 150_000


def own_memory() -> int:
    """Return the bytes that the supervisor and trio hold; a thread of another test may end here.

    Caches have a bound of their own.
    """
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    gc.collect()
    places = [Path(str(package.__file__)).parent for package in (supervisor, trio)]
    ours = [tracemalloc.Filter(inclusive=True, filename_pattern=f"{place}/*") for place in places]
    snapshot = tracemalloc.take_snapshot().filter_traces(ours)
    return sum(trace.size for trace in snapshot.traces)
