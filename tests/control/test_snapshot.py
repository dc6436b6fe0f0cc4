"""The status document, from ledgers in every state."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from attrs import evolve

from supervisor.alerts.self_alerts import LEDGER_CORRUPT, SelfAlert
from supervisor.config.service import During, Maintenance, Module
from supervisor.control.snapshot import Snapshot
from supervisor.delivery.peer import PeerStatus
from supervisor.observations import Duration, Measurement, Run
from supervisor.stats.module_stats import ModuleStats, fit
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, LedgerBench, service_of
from tests.support.virtual_clock import FrozenClock


def status(bench: LedgerBench, stats: dict[str, ModuleStats] | None = None) -> dict[str, Any]:
    peers = tuple(PeerStatus(url) for url in bench.service.alertmanager.urls)
    clock = FrozenClock(bench.now)
    snapshot = Snapshot(bench.outbox, clock, stats or {}, lambda: peers, lambda: 4096)
    return trio.run(snapshot.status)


def alerts(bench: LedgerBench) -> list[tuple[str, str, dict[str, str]]]:
    return [
        (alert["alertname"], alert["state"], alert["peers"]) for alert in status(bench)["alerts"]
    ]


def test_an_alert_is_pending_at_a_peer_until_that_has_its_present_version() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    fired = alerts(bench)
    bench.deliver(A)
    taken = alerts(bench)
    bench.pass_time(5)
    bench.see(evolve(FULL, message="fuller"))

    assert fired == [("Disk usage", "firing", {A: "pending", B: "pending"})]
    assert taken == [("Disk usage", "firing", {A: "delivered", B: "pending"})]
    assert alerts(bench) == [("Disk usage", "firing", {A: "pending", B: "pending"})]


def test_each_state_has_its_name() -> None:
    bench = LedgerBench()
    bench.see(FULL, HELLO)
    (firing, report) = (state for _, state, _ in alerts(bench))
    bench.see()
    over = {name: state for name, state, _ in alerts(bench)}["Disk usage"]
    for item in bench.take():
        bench.outbox.rejected(A, item)
    refused = {state for _, state, _ in alerts(bench)}

    assert (firing, report, over, refused) == ("firing", "report", "pending", {"quarantined"})
    assert status(bench)["ledger"]["quarantined"] == 2


def test_a_resolved_alert_says_so() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.see()

    assert alerts(bench) == [("Disk usage", "resolved", {A: "pending"})]


def test_a_held_alert_says_by_what_and_until_when() -> None:
    window = Maintenance("reboot", ("Mon 22:40-23:00",), modules=("disk",))
    bench = LedgerBench(service_of(maintenance=(window,)))
    bench.see(FULL)

    (alert,) = status(bench)["alerts"]
    assert (alert["state"], alert["peers"], alert["ends_at"]) == ("held", {}, None)
    assert (alert["held"], alert["held_until"]) == ("reboot", "1970-01-12T14:03:00.000Z")
    assert status(bench)["maintenance"] == [
        {
            "name": "reboot",
            "modules": ["disk"],
            "start": "1970-01-12T13:40:00.000Z",
            "end": "1970-01-12T14:00:00.000Z",
            "settled": "1970-01-12T14:03:00.000Z",
            "holds": True,
        }
    ]
    assert "maintenance" not in status(LedgerBench())


@pytest.mark.parametrize(
    ("at", "expected"), [("22:00-23:00", ["22:00-23:00"]), ("23:00-23:30", [])]
)
def test_a_module_says_which_other_parameters_count(at: str, expected: list[str]) -> None:
    bench = LedgerBench(service_of(evolve(DISK, during=(During((at,)),))))
    stats: dict[str, ModuleStats] = {}
    fit(stats, bench.service)

    (module,) = status(bench, stats)["modules"]
    assert module["during"] == expected


def test_a_condition_seen_in_too_few_runs_is_pending() -> None:
    slow = evolve(DISK, fire_after=3)
    bench = LedgerBench(service_of(slow))
    bench.see(FULL)

    (alert,) = status(bench)["alerts"]
    assert (alert["state"], alert["starts_at"], alert["peers"]) == ("pending", None, {})


def test_the_oldest_pending_alert_tells_how_long_it_waits() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.pass_time(30)
    (never_sent,) = status(bench)["peers"]
    bench.deliver()
    (up_to_date,) = status(bench)["peers"]
    bench.pass_time(20)
    bench.see()
    bench.pass_time(7)
    (resolved,) = status(bench)["peers"]

    found = [(peer["pending"], peer["oldest_pending_seconds"]) for peer in (never_sent, up_to_date)]
    assert found == [(1, 30.0), (0, 0.0)]
    assert (resolved["pending"], resolved["oldest_pending_seconds"]) == (1, 7.0)


@pytest.mark.parametrize("delivered", [True, False])
def test_a_report_that_waits_is_as_old_as_it_is(delivered: bool) -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    if delivered:
        bench.deliver()
    bench.pass_time(12)

    (peer,) = status(bench)["peers"]
    assert peer["oldest_pending_seconds"] == (0.0 if delivered else 12.0)


def test_modules_tell_of_their_runs() -> None:
    bench = LedgerBench(
        service_of(DISK, Module("inode", "inode", every=Duration(60), enabled=False))
    )
    stats: dict[str, ModuleStats] = {}
    fit(stats, bench.service)
    seen = (FULL, Measurement("disk_use_percent", 97, "%", {"mount_point": "/"}))
    stats["disk"].finish(Run("disk", bench.now, bench.now + 0.5, 0.25, seen))
    stats["disk"].finish(Run("disk", bench.now, bench.now + 60, 30.0, error="x", timed_out=True))
    (disk, inode) = status(bench, stats)["modules"]

    assert (disk["runs"], disk["failures"], disk["last_result"]) == (2, 1, "timeout")
    assert disk["last_run"] == "1970-01-12T13:47:40.000Z"
    assert disk["measurements"][0]["value"] == 97
    assert (inode["state"], inode["last_run"], inode["next_run"]) == ("disabled", None, None)
    assert (stats["disk"].lag, stats["disk"].results) == (
        60.0,
        {"conditions": 1, "timeout": 1},
    )


def test_the_document_names_its_service_and_what_was_lost() -> None:
    bench = LedgerBench()
    bench.work(lambda update: update.take_self_alert(SelfAlert(LEDGER_CORRUPT, "text")))
    bench.store.lost["evicted"] = 3
    found = status(bench)

    assert (found["service"], found["host"], found["timezone"]) == ("X", "h", "Asia/Seoul")
    assert found["ledger"] == {"bytes": 4096, "alerts": 1, "dropped": 3, "quarantined": 0}


async def test_other_tasks_run_while_thousands_of_modules_are_listed() -> None:
    bench = LedgerBench(service_of(*(Module("disk", f"disk-{number}") for number in range(2000))))
    stats: dict[str, ModuleStats] = {}
    fit(stats, bench.service)
    snapshot = Snapshot(bench.outbox, FrozenClock(bench.now), stats, lambda: (), lambda: 4096)
    turns = 0
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        found = await snapshot.status()
        nursery.cancel_scope.cancel()

    assert len(found["modules"]) == 2000
    assert turns > 10
