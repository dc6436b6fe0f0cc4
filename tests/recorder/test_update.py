"""The contract's rules for reports, failures, changed configurations and clocks."""

from __future__ import annotations

import json
from functools import partial

import pytest
from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    HEARTBEAT,
    MODULE_FAILED,
    PEER_CLOCK_SKEW,
    PEER_MISCONFIGURED,
    SelfAlert,
)
from supervisor.config.service import Module
from supervisor.observations import Duration, Run
from supervisor.recorder.reconcile import clock_set_back, reconcile
from supervisor.recorder.update import Update
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, LedgerBench, T, moment, service_of

# -- reports --------------------------------------------------------------------------------


def test_a_report_is_the_identical_body_until_its_end() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    bodies = []
    for _ in range(200):
        bench.housekeep()
        bodies += [(bench.now - T, json.dumps(alert)) for alert in bench.deliver()]
        bench.pass_time(10)

    assert [at for at, _ in bodies] == [60.0 * n for n in range(30)]
    assert len({body for _, body in bodies}) == 1
    report = json.loads(bodies[0][1])
    assert (report["startsAt"], report["endsAt"]) == (moment(T), moment(T + 1800))
    assert report["labels"]["event_id"]
    assert "instance" not in report["labels"]
    assert bench.store.alerts == {}


def test_a_report_that_nobody_took_in_time_is_dated_anew_and_says_so() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    bench.pass_time(1800 - 360)
    assert bench.take() == []  # too late to be notified for certain

    bench.housekeep()
    (late,) = bench.deliver()

    assert (late["startsAt"], late["endsAt"]) == (moment(T), moment(bench.now + 1800))
    assert late["annotations"]["delayed"] == "true"


def test_a_report_that_one_peer_took_in_time_keeps_its_end_for_the_others() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(HELLO)
    bench.deliver(A)
    bench.pass_time(1700)
    bench.housekeep()

    assert [alert["endsAt"] for alert in bench.deliver(B)] == [moment(T + 1800)]


def test_a_report_of_the_same_time_is_not_made_twice() -> None:
    bench = LedgerBench()
    bench.see(HELLO, HELLO)
    bench.see(HELLO, HELLO)

    assert len(bench.store.alerts) == 2  # two in one run are two, but the run itself is one


def test_a_report_that_every_peer_refuses_is_given_up_at_its_end() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    for item in bench.take():
        bench.outbox.rejected(A, item)
    bench.pass_time(1799)
    bench.housekeep()
    assert len(bench.store.alerts) == 1

    bench.pass_time(1)
    bench.housekeep()
    assert bench.store.alerts == {}


# -- failures -------------------------------------------------------------------------------


def test_a_failed_run_is_a_condition_of_its_own_and_ends_with_the_next_good_run() -> None:
    module = evolve(DISK, fire_after=5)
    bench = LedgerBench(service_of(module))
    bench.fail()
    (failed,) = bench.deliver()

    assert failed["labels"]["alertname"] == "Failed to execute module (disk)"
    assert (failed["labels"]["event_type"], failed["labels"]["check"]) == ("TE", "disk")
    assert failed["annotations"]["message"] == "it broke"
    assert failed["annotations"]["detail"] == "<pre>Traceback &lt;1&gt;</pre>"

    bench.see()
    assert bench.states() == [(MODULE_FAILED.key("disk")[0], "resolved")]


def test_a_failed_run_holds_what_the_module_had_firing_and_says_since_when() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(60)
    bench.fail()
    held = {alert["labels"]["alertname"]: alert for alert in bench.deliver()}

    assert held["Disk usage"]["annotations"]["last_confirmed"] == "1970-01-12 22:46:40"
    assert held["Disk usage"]["endsAt"] == moment(bench.now + 240)

    bench.pass_time(30)
    bench.fail()
    assert bench.take() == []

    bench.see(FULL)
    (again, _) = sorted(bench.deliver(), key=lambda alert: str(alert["labels"]["alertname"]))
    assert "last_confirmed" not in again["annotations"]


def test_failed_runs_count_neither_for_nor_against() -> None:
    module = Module("disk", "disk", every=Duration(60), fire_after=2, clear_after=2)
    bench = LedgerBench(service_of(module))
    bench.see(FULL)
    bench.fail()
    bench.see(FULL)
    assert ("Disk usage", "firing") in bench.states()

    bench.deliver()
    bench.see()
    bench.fail()
    assert ("Disk usage", "firing") in bench.states()

    bench.see()
    assert ("Disk usage", "resolved") in bench.states()


# -- the configuration changes --------------------------------------------------------------


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


def test_a_new_peer_gets_what_fires_and_reports_that_are_not_over() -> None:
    bench = LedgerBench()
    bench.see(FULL, HELLO)
    bench.deliver()
    bench.restart(service_of(urls=(A, B)))
    bench.see(FULL)

    assert sorted(alert["labels"]["alertname"] for alert in bench.deliver(B)) == [
        "Daily",
        "Disk usage",
    ]
    assert bench.take(A) == []


def test_a_removed_peers_cursors_are_deleted() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.deliver(A)
    bench.deliver(B)
    bench.work(lambda _: None)
    bench.store.config.service = service_of(urls=(A,))
    bench.outbox.forget_other_peers()
    update = bench.work(lambda _: None)

    assert list(update.changes.cursors.values()) == [None]
    assert list(bench.cursors.known) == [A]


def test_what_peers_let_expire_waits_for_the_first_run_after_a_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(241)
    bench.outbox.await_confirmation(bench.now)
    assert bench.take() == []

    bench.see(FULL)
    (again,) = bench.deliver()
    assert again["startsAt"] == moment(T)


def test_what_peers_still_have_is_sent_on_after_a_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(239)
    bench.outbox.await_confirmation(bench.now)

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T)]


def test_an_at_module_does_not_wait_for_its_next_day() -> None:
    bench = LedgerBench(service_of(Module("disk", "disk", at=("09:00",))))
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(86000)
    bench.outbox.await_confirmation(bench.now)

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T)]


# -- the supervisor's own -------------------------------------------------------------------


def test_an_announcement_fires_and_ends() -> None:
    bench = LedgerBench()
    bench.work(lambda update: update.take_self_alert(SelfAlert(PEER_CLOCK_SKEW, "it is late", A)))
    (skewed,) = bench.deliver()

    assert (skewed["labels"]["check"], skewed["labels"]["event_type"]) == (SUPERVISOR, "TE")
    assert skewed["labels"]["instance"] == A

    bench.work(lambda update: update.take_self_alert(SelfAlert(PEER_CLOCK_SKEW, None, A)))
    assert bench.states() == [("PeerClockSkew", "resolved")]


def test_the_heartbeat_begins_anew_with_each_process() -> None:
    bench = LedgerBench()
    beat = SelfAlert(HEARTBEAT, "alive")
    bench.work(lambda update: update.take_self_alert(beat))
    bench.deliver()
    bench.pass_time(500)
    bench.work(lambda update: reconcile(update))
    bench.work(lambda update: update.take_self_alert(beat))

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T + 500)]


def test_a_rejected_body_is_tried_again_when_it_changes() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    for item in bench.take():
        bench.outbox.rejected(A, item)
    bench.pass_time(600)
    assert bench.take() == []
    assert bench.cursors.is_rejected(bench.only())

    bench.see(evolve(FULL, message="other"))
    assert len(bench.take()) == 1


def test_alert_rejected_ends_when_nothing_is_rejected_any_more() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    for item in bench.take():
        bench.outbox.rejected(A, item)
    bench.work(lambda update: update.take_self_alert(SelfAlert(ALERT_REJECTED, "refused", "disk")))
    bench.work(lambda update: update.end_stale_self_alerts())
    assert ("AlertRejected", "firing") in bench.states()

    bench.see(evolve(FULL, message="other"))
    bench.deliver()
    bench.work(lambda update: update.end_stale_self_alerts())
    assert ("AlertRejected", "resolved") in bench.states()


# -- clocks ----------------------------------------------------------------------------------


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


def test_a_start_with_the_clock_set_back_sends_on_what_fires() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(-86_400)
    bench.restart(bench.service)

    assert [alert["endsAt"] for alert in bench.deliver()] == [moment(bench.now + 240)]


@pytest.mark.parametrize("after", [360.0, 900.0])
def test_what_fires_again_just_when_it_was_to_be_tended_fires(after: float) -> None:
    bench = LedgerBench()
    bench.see(FULL)
    if after == 900.0:
        bench.deliver()
        bench.see()
    else:
        bench.see()
        bench.deliver()
    bench.stay(after - 1)
    bench.pass_time(1)
    again = Run("disk", bench.now, bench.now, 0.1, (FULL,))

    def record_and_tend(update: Update) -> None:
        update.record(DISK, again, None)
        update.housekeep()

    bench.work(record_and_tend)

    assert bench.states() == [("Disk usage", "firing")]
    assert bench.store.lost == {}


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
