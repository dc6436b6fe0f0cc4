"""Reports, failed runs, self-alerts and housekeeping: the rules of docs/reference/alerts.md."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    MODULE_FAILED,
    PEER_CLOCK_SKEW,
    SelfAlert,
)
from supervisor.config.service import Module
from supervisor.observations import Duration, Run
from supervisor.recorder.update import Update
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, LedgerBench, T, moment, service_of


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


def test_a_report_that_no_peer_took_in_time_gets_a_new_end_and_says_so() -> None:
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


def test_a_self_alert_fires_and_ends() -> None:
    bench = LedgerBench()
    bench.work(lambda update: update.take_self_alert(SelfAlert(PEER_CLOCK_SKEW, "it is late", A)))
    (skewed,) = bench.deliver()

    assert (skewed["labels"]["check"], skewed["labels"]["event_type"]) == (SUPERVISOR, "TE")
    assert skewed["labels"]["instance"] == A

    bench.work(lambda update: update.take_self_alert(SelfAlert(PEER_CLOCK_SKEW, None, A)))
    assert bench.states() == [("PeerClockSkew", "resolved")]


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


@pytest.mark.parametrize("after", [360.0, 900.0])
def test_what_fires_again_just_when_housekeeping_is_due_fires(after: float) -> None:
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
    again = Run(
        module="disk", scheduled=bench.now, started=bench.now, seconds=0.1, observations=(FULL,)
    )

    def record_and_housekeep(update: Update) -> None:
        update.record(DISK, again, None)
        update.housekeep()

    bench.work(record_and_housekeep)

    assert bench.states() == [("Disk usage", "firing")]
    assert bench.store.lost == {}
