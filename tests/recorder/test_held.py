"""What a maintenance window holds: a test for each sentence of the reference."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.alerts.self_alerts import HEARTBEAT, LEDGER_UNWRITABLE, SelfAlert
from supervisor.recorder.reconcile import reconcile
from tests.recorder.windows import END, OTHER, REBOOT, SETTLED, at, planned
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, T, moment


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
