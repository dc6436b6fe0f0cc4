"""What a maintenance window holds: a test for each sentence of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.alerts.self_alerts import HEARTBEAT, LEDGER_UNWRITABLE, SelfAlert
from supervisor.config.service import Maintenance, Module, Service
from supervisor.ledger import tables
from supervisor.ledger.database import open_ledger
from supervisor.observations import Duration
from supervisor.recorder.reconcile import clock_set_back, reconcile
from tests.support.ledger_bench import (
    DISK,
    FULL,
    HELLO,
    A,
    B,
    LedgerBench,
    T,
    moment,
    reopened,
    service_of,
)

END = T + 800
"""23:00 in Seoul. `T` is 22:46:40 on a Monday."""

SETTLED = END + 180

REBOOT = Maintenance("reboot", ("Mon 22:40-23:00",))
OTHER = Module("other", "other", every=Duration(60))


def planned(*modules: Module, window: Maintenance = REBOOT, **settings: object) -> LedgerBench:
    return LedgerBench(service_of(*modules, maintenance=(window,), **settings))  # type: ignore[arg-type]  # of many types


def at(bench: LedgerBench, moment: float) -> None:
    """Let time pass up to a moment, with all that is due in between."""
    bench.stay(moment - bench.now)


# -- conditions -----------------------------------------------------------------------------


def test_a_condition_that_begins_in_a_window_is_held_and_not_sent() -> None:
    bench = planned()
    bench.see(FULL)

    assert bench.deliver() == []
    held = bench.only()
    assert (held.state, held.starts_at, held.ends_at) == (State.HELD, T, SETTLED)
    assert held.payload.annotations["held"] == "reboot"
    assert bench.outbox.pending(A) == []
    assert bench.outbox.housekeeping.next() == SETTLED


def test_what_is_gone_before_the_end_is_only_in_the_history() -> None:
    bench = planned()
    bench.see(FULL)
    bench.pass_time(60)
    bench.see()
    bench.stay(3600)

    assert bench.store.alerts == {}
    (past,) = bench.store.history.values()
    assert (past.state, past.starts_at, past.ends_at) == (State.RESOLVED, T, T + 60)
    assert past.payload.annotations["held"] == "reboot"


def test_what_is_still_there_fires_with_its_true_start_when_the_window_has_settled() -> None:
    bench = planned()
    bench.see(FULL)
    sent: list[object] = []
    while bench.now < SETTLED:
        assert sent == []
        bench.pass_time(10)
        bench.housekeep()
        sent += bench.deliver()

    (fired,) = sent
    assert isinstance(fired, dict)
    assert bench.now == SETTLED
    assert fired["startsAt"] == moment(T)
    assert fired["annotations"] == {
        "message": "it is full",
        "event_time": "1970-01-12 22:46:40",
        "held": "reboot",
    }
    assert [alert.state for alert in bench.store.alerts.values()] == [State.FIRING]


def test_what_begins_while_the_window_settles_is_held_too() -> None:
    bench = planned()
    at(bench, END + 60)
    bench.see(FULL)
    assert bench.deliver() == []

    at(bench, SETTLED + 10)
    assert bench.only().state is State.FIRING
    assert bench.only().starts_at == END + 60


def test_what_begins_after_it_has_settled_fires_at_once() -> None:
    bench = planned()
    at(bench, SETTLED)
    bench.see(FULL)

    (fired,) = bench.deliver()
    assert "held" not in fired["annotations"]


def test_the_annotation_stays_while_it_fires() -> None:
    bench = planned()
    bench.see(FULL)
    at(bench, SETTLED + 10)
    bench.see(evolve(FULL, message="fuller"))
    bench.see(evolve(FULL, message="fuller", event_type="E"))

    notes = [
        alert.payload.annotations["held"]
        for alert in bench.store.alerts.values()
        if alert.state is State.FIRING
    ]
    assert notes == ["reboot"]


def test_a_window_holds_the_modules_that_it_names_alone() -> None:
    bench = planned(DISK, OTHER, window=evolve(REBOOT, modules=("other",)))
    bench.see(FULL)
    bench.see(FULL, module=OTHER)

    assert [alert["labels"]["check"] for alert in bench.deliver()] == ["disk"]


def test_what_fired_before_goes_on_and_its_end_passes() -> None:
    bench = planned()
    bench.now = T - 600
    bench.see(FULL)
    bench.deliver()
    bench.now = T
    bench.see(evolve(FULL, message="fuller"))
    (told,) = bench.deliver()
    assert (told["annotations"]["message"], told["endsAt"]) == ("fuller", moment(T + 240))

    bench.pass_time(60)
    bench.see()
    (ended,) = bench.deliver()
    assert (ended["startsAt"], ended["endsAt"]) == (moment(T - 600), moment(T + 60))


def test_what_fires_keeps_its_type_until_the_window_is_over() -> None:
    bench = planned()
    bench.now = T - 600
    bench.see(FULL)
    bench.deliver()
    bench.now = T
    worse = evolve(FULL, event_type="E", message="it is very full")
    bench.see(worse)
    (told,) = bench.deliver()
    assert (told["labels"]["event_type"], told["annotations"]["message"]) == (
        "W",
        "it is very full",
    )

    at(bench, SETTLED)
    bench.see(worse)
    assert sorted(alert["labels"]["event_type"] for alert in bench.deliver()) == ["E", "W"]


def test_the_end_of_the_alert_before_it_still_passes() -> None:
    bench = planned(urls=(A, B))
    bench.now = T - 600
    bench.see(FULL)
    bench.deliver(A)
    bench.deliver(B)
    bench.now = T - 400
    bench.see()
    bench.now = T
    bench.see(FULL)
    (ended,) = bench.deliver(B)

    assert ended["endsAt"] == moment(T - 400)
    assert bench.states() == [("Disk usage", "held"), ("Disk usage", "resolved")]


def test_what_is_over_and_not_told_yet_goes_on() -> None:
    bench = planned()
    bench.now = T - 600
    bench.see(FULL)
    bench.see()
    assert bench.only().state is State.OVER
    bench.now = T
    bench.see(FULL)

    (told,) = bench.deliver()
    assert told["startsAt"] == moment(T - 600)
    assert bench.only().state is State.FIRING


def test_a_held_condition_follows_what_its_check_says() -> None:
    bench = planned()
    bench.see(FULL)
    bench.see(evolve(FULL, event_type="E", message="it is very full", labels={"device": "sda"}))

    held = bench.only()
    assert (held.state, held.starts_at, held.event_type) == (State.HELD, T, "E")
    assert held.payload.labels["device"] == "sda"
    at(bench, SETTLED + 10)
    assert bench.only().payload.annotations["message"] == "it is very full"
    assert bench.store.history == {}


def test_fire_after_counts_in_a_window_as_outside() -> None:
    bench = planned(evolve(DISK, fire_after=2))
    bench.see(FULL)
    assert bench.store.alerts == {}
    bench.pass_time(60)
    bench.see(FULL)

    assert (bench.only().state, bench.only().starts_at) == (State.HELD, T + 60)


def test_a_failed_run_is_held_and_the_alerts_of_the_supervisor_are_not() -> None:
    bench = planned(heartbeat=True)
    bench.work(reconcile)
    bench.fail()
    bench.work(lambda update: update.take_self_alert(SelfAlert(LEDGER_UNWRITABLE, "full")))
    told = {alert["labels"]["alertname"]: alert["labels"]["check"] for alert in bench.deliver()}

    assert told == dict.fromkeys((HEARTBEAT.alertname, LEDGER_UNWRITABLE.alertname), SUPERVISOR)
    at(bench, SETTLED + 10)
    bench.see()
    failed = [alert for alert in bench.store.alerts.values() if alert.module == "disk"]
    assert [(alert.state, alert.starts_at) for alert in failed] == [(State.RESOLVED, T)]


# -- reports --------------------------------------------------------------------------------


def test_a_report_is_sent_at_the_end_of_the_window() -> None:
    bench = planned()
    bench.see(HELLO)
    bench.see(HELLO)
    assert bench.deliver() == []
    assert bench.only().is_report
    sent: list[object] = []
    while bench.now < END:
        assert sent == []
        bench.pass_time(10)
        bench.housekeep()
        sent += bench.deliver()

    (report,) = sent
    assert isinstance(report, dict)
    assert (report["startsAt"], report["endsAt"]) == (moment(T), moment(END + 1800))
    assert report["annotations"]["held"] == "reboot"
    assert bench.only().state is State.REPORT


def test_a_report_that_is_made_while_it_settles_is_sent_at_once() -> None:
    bench = planned()
    at(bench, END)
    bench.see(HELLO)

    assert [alert["labels"]["alertname"] for alert in bench.deliver()] == ["Daily"]


# -- restart, reload, clocks ----------------------------------------------------------------


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
