"""Alerts are adapted to a new process, a new configuration, and a clock that was set back."""

from __future__ import annotations

from functools import partial

import pytest
from attrs import evolve

from supervisor.alerts import timing
from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.alerts.self_alerts import (
    HEARTBEAT,
    PEER_MISCONFIGURED,
    RELOAD_FAILED,
    SelfAlert,
)
from supervisor.config.service import Module
from supervisor.recorder.reconcile import clock_set_back, forget_last_process, reconcile
from supervisor.recorder.update import Update
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, LedgerBench, T, moment, service_of


@pytest.mark.parametrize("modules", [(Module("other", "other"),), (evolve(DISK, enabled=False),)])
def test_alerts_of_a_module_that_is_gone_are_resolved(modules: tuple[Module, ...]) -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.fail()
    bench.deliver()
    bench.store.config.service = service_of(*modules)
    bench.work(lambda update: reconcile(update))

    assert {state for _, state in bench.states()} == {"resolved"}


def test_modules_and_peers_that_are_gone_take_with_them_what_was_said_of_them() -> None:
    module = evolve(DISK, max_conditions=1)
    bench = LedgerBench(service_of(module, urls=(A, B)))
    bench.see(FULL, evolve(FULL, instance="/other"))
    misconfigured = [SelfAlert(PEER_MISCONFIGURED, "it is wrong", peer) for peer in (A, B)]
    for one in misconfigured:
        bench.work(partial(Update.take_self_alert, alert=one))
    bench.fail()
    bench.deliver()
    bench.restart(service_of(Module("other", "other")))

    firing = {
        (alert.alertname, alert.instance)
        for alert in bench.store.alerts.values()
        if alert.state is State.FIRING
    }
    assert firing == {("PeerMisconfigured", A)}


def test_the_heartbeat_starts_again_with_each_process() -> None:
    bench = LedgerBench()
    beat = SelfAlert(HEARTBEAT, "alive")
    bench.work(lambda update: update.take_self_alert(beat))
    bench.deliver()
    bench.pass_time(500)
    bench.work(lambda update: reconcile(update))
    bench.work(lambda update: update.take_self_alert(beat))

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T + 500)]


def test_what_awaits_a_module_that_a_reload_removes_is_sent_all_the_same() -> None:
    other = Module("x", "other", every=DISK.every)
    bench = LedgerBench(service_of(DISK, other))
    bench.see(FULL)
    bench.outbox.await_confirmation(bench.now)
    bench.store.config.service = service_of(other)
    bench.work(lambda update: reconcile(update))

    (sent,) = bench.deliver()
    assert sent["labels"]["instance"] == FULL.instance


def test_a_quarantine_that_a_kill_left_unsaid_is_said_after_the_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    (outgoing,) = bench.outbox.take_due(A, bench.now, 0.0, max_alerts=10, max_bytes=1 << 20)
    bench.outbox.rejected(A, outgoing)
    bench.work(lambda update: reconcile(update))
    said = bench.states()
    bench.work(lambda update: update.end_stale_self_alerts())

    assert ("AlertRejected", "firing") in said
    assert bench.states() == said


def test_a_clock_set_back_delays_nothing() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(-3600)
    bench.work(lambda update: clock_set_back(update))
    (again,) = bench.deliver()

    assert (again["startsAt"], again["endsAt"]) == (moment(bench.now), moment(bench.now + 240))
    assert bench.outbox.next_due(A) == bench.now + 60


def test_nothing_that_is_over_is_active_after_the_clock_was_set_back() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(10)
    bench.see()
    bench.deliver()
    bench.pass_time(-86_400)
    bench.work(lambda update: clock_set_back(update))

    assert [alert["endsAt"] for alert in bench.deliver()] == [moment(bench.now)]


def test_a_report_keeps_its_times_when_the_clock_is_set_back() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    before = bench.deliver()
    bench.pass_time(-3600)
    bench.work(lambda update: clock_set_back(update))

    assert bench.deliver() == before


@pytest.mark.parametrize("across", ["a step", "a restart"])
def test_a_report_is_over_after_its_life_although_the_clock_was_set_back(across: str) -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    bench.deliver()
    bench.pass_time(-86_400)
    if across == "a restart":
        bench.restart(bench.service)
    else:
        bench.work(lambda update: clock_set_back(update))
    set_back_at = bench.now
    lifetime = bench.service.report_lifetime
    bench.stay(lifetime - 1)
    before = bench.states()
    bench.pass_time(1)
    bench.housekeep()
    (told,) = bench.deliver()
    end = (told["startsAt"], told["endsAt"])
    bench.stay(timing.RESOLVED_FOR + 61)

    assert before == [("Daily", "report")]
    assert end == (moment(set_back_at + lifetime), moment(set_back_at + lifetime))
    assert bench.states() == []
    assert [alert.alertname for alert in bench.store.history.values()] == ["Daily"]


def test_a_report_is_not_told_its_end_when_the_clock_was_not_set() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    bench.deliver()
    bench.pass_time(bench.service.report_lifetime)
    bench.housekeep()

    assert bench.states() == []
    assert bench.deliver() == []


def test_a_start_with_the_clock_set_back_sends_on_what_fires() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(-86_400)
    bench.restart(bench.service)

    assert [alert["endsAt"] for alert in bench.deliver()] == [moment(bench.now + 240)]


def test_a_new_process_ends_the_failed_reload_and_the_heartbeat_of_the_last_one() -> None:
    bench = LedgerBench()
    for alert in (SelfAlert(RELOAD_FAILED, "it is wrong"), SelfAlert(HEARTBEAT, "alive")):
        bench.work(partial(Update.take_self_alert, alert=alert))
    bench.deliver()
    bench.work(forget_last_process)

    assert bench.states() == [("ReloadFailed", "resolved")]
    assert bench.store.sightings[SUPERVISOR] == {}


def test_the_heartbeat_is_that_of_the_configuration() -> None:
    bench = LedgerBench(service_of(heartbeat=True))
    bench.work(reconcile)
    assert bench.states() == [("Heartbeat", "firing")]

    bench.store.config.service = service_of()
    bench.work(reconcile)
    assert bench.states() == []


def test_an_alert_whose_labels_are_the_same_is_left_alone() -> None:
    bench = LedgerBench()
    bench.see(FULL, HELLO)
    before = dict(bench.store.alerts)
    bench.work(reconcile)

    assert bench.store.alerts == before


def test_a_new_label_moves_alerts_and_self_alerts() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.work(lambda update: update.take_self_alert(SelfAlert(PEER_MISCONFIGURED, "wrong", A)))
    bench.deliver()
    bench.store.config.service = evolve(bench.service, labels={"host": "h", "site": "new"})
    bench.work(reconcile)

    sites = sorted((alert["labels"]["site"], alert["startsAt"]) for alert in bench.deliver())
    assert sites == [("new", moment(T))] * 2 + [("s", moment(T))] * 2


def test_a_clock_that_was_not_set_back_changes_nothing() -> None:
    bench = LedgerBench()
    bench.see(FULL, HELLO)
    bench.pass_time(5)
    update = bench.work(clock_set_back)

    assert update.changes.alerts == {}
