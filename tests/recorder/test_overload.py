"""One module that says far too much is bounded and announced, and the others do not notice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.alerts.alert import State
from supervisor.config.service import Module
from supervisor.observations import Condition, Duration, Observation, Run
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats
from tests.modules.runner_bench import run_once
from tests.support.fake_client import BUSY, OK, START
from tests.support.recorder_bench import MODULE, ONE, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

CALM = Module("fake", "calm", every=Duration(60))
QUIET = Condition("Connection failed", "E", "db", "no answer")


def with_calm_neighbour(max_ledger: int = 1 << 26) -> RecorderBench:
    """Return a bench with a second module, and a ledger of this size."""
    bench = RecorderBench.make(ONE)
    bench.service = evolve(bench.service, modules=(MODULE, CALM), max_ledger=max_ledger)
    bench.store.config.service = bench.service
    stats = {name: ModuleStats(name, "fake") for name in ("m", "calm")}
    writer = Writer(bench.ledger, bench.outbox, bench.clock)
    bench.recorder = Recorder(bench.outbox, writer, bench.clock, stats)
    return bench


async def see_calmly(bench: RecorderBench, *seen: Observation) -> None:
    now = bench.clock.now()
    await bench.send.send(
        Run(module="calm", scheduled=now, started=now, seconds=0.01, observations=seen)
    )
    await wait_all_tasks_blocked()


def kept(bench: RecorderBench) -> int:
    return sum(alert.module == "m" for alert in bench.store.alerts.values())


def messages(bench: RecorderBench, name: str) -> list[str]:
    return [alert["annotations"]["message"] for _, alert in bench.clients[ONE].sent(name)]


async def test_others_have_their_turn_while_fifty_thousand_conditions_are_looked_at() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async def check(_context: object, _params: object) -> Iterator[Condition]:
        return (full(f"/{n}") for n in range(50_000))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        run = await run_once(check)
        nursery.cancel_scope.cancel()

    assert 50_000 == len(run.observations)
    assert turns >= 90


async def test_a_check_that_never_stops_returning_things_is_ended_at_its_timeout() -> None:
    async def check(_context: object, _params: object) -> Iterator[Condition]:
        def endless() -> Iterator[Condition]:
            while True:
                yield full()

        return endless()

    run = await run_once(check, timeout=Duration(0.05))

    assert ("timed out after 0.05 s", ()) == (run.error, run.observations)


@pytest.mark.usefixtures("no_threads")
async def test_fifty_thousand_conditions_are_a_thousand_and_one_alert_that_says_so(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = with_calm_neighbour()
    await bench.live(nursery)
    for _ in range(2):
        await bench.see(*(full(f"/{n}") for n in range(50_000)))
        await see_calmly(bench, QUIET)
        await trio.sleep(60)
    many = (kept(bench), bench.own, messages(bench, "Too many conditions (m)")[0])
    await bench.see()

    told = (
        "49000 conditions are not sent, because module m returned more than max_conditions = 1000"
    )
    assert (1000, {"Too many conditions (m)": ""}) == many[:2]
    assert many[2].startswith(told)
    assert {} == bench.own
    assert bench.clients[ONE].sent("Connection failed")[0][0] < 1


@pytest.mark.usefixtures("no_threads")
async def test_a_condition_that_flaps_with_every_run_stays_one_alert_in_its_order(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = with_calm_neighbour()
    await bench.live(nursery)
    for number in range(500):
        await bench.see(*([full()] if number % 2 else []))
        await see_calmly(bench, QUIET)
        await trio.sleep(1)

    sent = [alert for _, alert in bench.clients[ONE].sent("Disk usage")]
    starts = [alert["startsAt"] for alert in sent]
    assert 2 == len(bench.store.alerts)
    assert sorted(starts) == starts
    assert 500 == pytest.approx(len(sent), abs=2)
    assert {60.0} == gaps(bench, "Connection failed")


def gaps(bench: RecorderBench, name: str) -> set[float]:
    """Return the times between two deliveries of an alert."""
    times = [at for at, _ in bench.clients[ONE].sent(name)]
    return {round(later - earlier, 1) for earlier, later in pairwise(times)}


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize("peer", [OK, BUSY])
async def test_names_that_change_with_every_run_push_out_no_other_module(
    nursery: trio.Nursery, autojump_clock: MockClock, peer: Any
) -> None:
    bench = with_calm_neighbour(max_ledger=200_000)
    bench.clients[ONE].respond = lambda _post: peer
    await bench.live(nursery)
    largest = 0
    for number in range(300):
        await bench.see(*(full(f"/{number}/{n}") for n in range(20)))
        await see_calmly(bench, QUIET)
        largest = max(largest, bench.store.bytes)
        await trio.sleep(5)
    overflow = "LedgerOverflow" in bench.own
    lost = bench.store.lost.total()
    quiet = [a for a in bench.store.alerts.values() if a.module == "calm"]
    bench.clients[ONE].respond = lambda _post: OK
    await bench.see()
    await trio.sleep(2000)

    assert largest < 202_000
    assert (peer is BUSY, peer is BUSY) == (overflow, lost > 0)
    assert [State.FIRING] == [alert.state for alert in quiet]
    assert START == quiet[0].starts_at
    assert {} == bench.own
    assert 1 == len(bench.store.alerts)
