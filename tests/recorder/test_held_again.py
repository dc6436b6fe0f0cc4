"""What is held outlasts restarts, reloads and clocks that are set."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.config.service import Maintenance, Service
from supervisor.ledger import tables
from supervisor.ledger.database import open_ledger
from supervisor.observations import Duration
from supervisor.recorder.reconcile import clock_set_back, reconcile
from tests.recorder.windows import END, OTHER, REBOOT, SETTLED, at, planned
from tests.support.ledger_bench import (
    DISK,
    FULL,
    HELLO,
    LedgerBench,
    T,
    moment,
    reopened,
    service_of,
)


def test_the_ledger_keeps_what_is_held_in_the_format_that_it_has(tmp_path: Path) -> None:
    bench = planned()
    bench.see(FULL, HELLO)
    opened = open_ledger(tmp_path / "ledger.sqlite", T)
    opened.ledger.commit(bench.store.contents())
    opened.ledger.close()

    outbox, _ = reopened(bench.service, tmp_path / "ledger.sqlite")

    found = sorted(outbox.store.alerts.values(), key=lambda alert: alert.alertname)
    report, condition = found
    kept = {alert.alertname: alert for alert in bench.store.alerts.values()}
    assert condition == kept["Disk usage"]
    assert report == evolve(kept["Daily"], ends_at=None)
    assert report.is_report
    assert tables.VERSION == 1


def test_a_version_without_windows_would_tell_what_is_held() -> None:
    bench = planned()
    bench.see(FULL, HELLO)
    columns = {
        alert.alertname: tables._alert_columns(alert)[4:7] for alert in bench.store.alerts.values()
    }

    assert columns == {"Disk usage": ("firing", T, SETTLED), "Daily": ("report", T, None)}


@pytest.mark.parametrize("gone", [True, False])
def test_after_a_restart_past_the_end_the_first_run_decides(*, gone: bool) -> None:
    bench = planned()
    bench.see(FULL)
    bench.now = SETTLED + 3600
    bench.restart(bench.service)
    bench.housekeep()
    assert (bench.only().state, bench.deliver()) == (State.HELD, [])

    bench.see(*(() if gone else (FULL,)))
    bench.housekeep()
    assert [alert["startsAt"] for alert in bench.deliver()] == ([] if gone else [moment(T)])


def test_a_restart_in_the_window_changes_nothing() -> None:
    bench = planned()
    bench.see(FULL, HELLO)
    bench.pass_time(60)
    bench.restart(bench.service)
    bench.stay(100)
    bench.see(FULL)
    bench.housekeep()

    assert {alert.state for alert in bench.store.alerts.values()} == {State.HELD}
    assert {alert.ends_at for alert in bench.store.alerts.values()} == {END, SETTLED}


def reload(bench: LedgerBench, service: Service) -> None:
    bench.service = bench.store.config.service = service
    bench.work(reconcile)
    bench.housekeep()


def test_a_reload_that_ends_the_window_lets_all_go() -> None:
    bench = planned()
    bench.see(FULL, HELLO)
    bench.pass_time(60)
    reload(bench, service_of())

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T), moment(T)]


def test_a_reload_that_makes_the_window_longer_holds_on() -> None:
    bench = planned()
    bench.see(FULL)
    longer = evolve(REBOOT, at=("Mon 22:40-23:30",))
    reload(bench, evolve(bench.service, maintenance=(longer,)))

    assert bench.only().ends_at == SETTLED + 1800
    at(bench, SETTLED + 60)
    assert bench.only().state is State.HELD


def test_a_module_that_is_removed_leaves_nothing_held() -> None:
    bench = planned(DISK, OTHER)
    bench.see(FULL)
    reload(bench, evolve(bench.service, modules=(OTHER,)))

    assert bench.store.alerts == {}
    assert len(bench.store.history) == 1


@pytest.mark.parametrize("step", [-3600, 7200])
def test_a_clock_that_is_set_ends_or_moves_the_window(step: float) -> None:
    bench = planned()
    bench.see(FULL)
    bench.pass_time(step)
    bench.work(clock_set_back)
    bench.housekeep()

    (fired,) = bench.deliver()
    assert fired["startsAt"] == moment(min(T, bench.now))


def test_of_two_windows_the_one_that_ends_last_counts() -> None:
    windows = (REBOOT, Maintenance("patch", ("Mon 22:00-23:30",), settle=Duration(0)))
    bench = LedgerBench(service_of(maintenance=windows))
    bench.see(FULL)
    assert bench.only().payload.annotations["held"] == "patch"

    at(bench, SETTLED + 10)
    assert bench.only().state is State.HELD
    at(bench, END + 1810)
    assert bench.only().state is State.FIRING


def test_a_full_ledger_keeps_no_sighting_without_its_alert() -> None:
    bench = planned(max_ledger=1600)
    many = [evolve(FULL, instance=f"/{number}") for number in range(4)]
    bench.see(*many)
    bench.see(*(evolve(each, message="x" * 300) for each in many))

    assert 0 < len(bench.store.alerts) < 4
    group = bench.store.sightings["disk"]
    assert {sighting.fingerprint for sighting in group.values()} == {
        alert.fingerprint for alert in bench.store.alerts.values() if alert.module == "disk"
    }
