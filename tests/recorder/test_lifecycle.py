"""The rules for conditions: a test for each sentence of the reference."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.self_alerts import TOO_MANY_CONDITIONS
from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.recorder.reconcile import reconcile
from tests.support.ledger_bench import FULL, A, B, LedgerBench, T, moment, service_of


def test_a_condition_fires_with_its_labels_and_annotations() -> None:
    bench = LedgerBench()
    bench.see(FULL)

    assert bench.deliver() == [
        {
            "labels": {
                "alertname": "Disk usage",
                "check": "disk",
                "event_type": "W",
                "host": "h",
                "instance": "/",
                "service": "X",
                "site": "s",
            },
            "annotations": {"message": "it is full", "event_time": "1970-01-12 22:46:40"},
            "startsAt": moment(T),
            "endsAt": moment(T + 240),
        }
    ]


def test_it_is_sent_again_every_resend_interval_with_a_later_end() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(59)

    assert bench.deliver() == []
    assert bench.outbox.next_due(A) == T + 60

    bench.pass_time(1)
    (again,) = bench.deliver()

    assert (again["startsAt"], again["endsAt"]) == (moment(T), moment(T + 300))


def test_it_is_sent_at_once_when_its_message_changes() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(5)
    bench.see(evolve(FULL, message="it is fuller"))
    (again,) = bench.deliver()

    assert (again["annotations"]["message"], again["startsAt"]) == ("it is fuller", moment(T))


def test_a_run_that_sees_the_same_changes_nothing() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.pass_time(60)

    assert not bench.see(FULL).changes


def test_a_cleared_condition_that_a_peer_took_is_resolved_at_once_and_for_15_minutes() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(30)
    bench.see()
    (resolved,) = bench.deliver()

    assert (resolved["startsAt"], resolved["endsAt"]) == (moment(T), moment(T + 30))

    sent = []
    for _ in range(100):
        bench.pass_time(10)
        bench.housekeep()
        sent += [(bench.now - T - 30, alert["endsAt"]) for alert in bench.deliver()]

    assert sent == [(60.0 * n, moment(T + 30)) for n in range(1, 15)]
    assert bench.store.alerts == {}
    assert bench.cursors.known[A] == {}


def test_a_resolved_alert_is_kept_as_long_as_a_peer_may_believe_it_firing() -> None:
    bench = LedgerBench(service_of(urls=(A, B), resend_interval=Duration(600)))
    bench.see(FULL)
    bench.deliver(A)
    bench.deliver(B)  # active there until T + 2400
    bench.pass_time(10)
    bench.see()
    bench.deliver(A)
    bench.pass_time(950)
    bench.housekeep()

    assert [alert["endsAt"] for alert in bench.deliver(B)] == [moment(T + 10)]


def test_hysteresis_counts_consecutive_runs() -> None:
    module = Module("disk", "disk", every=Duration(60), fire_after=3, clear_after=2)
    bench = LedgerBench(service_of(module))
    seen = []
    for look in ([FULL], [FULL], [], [FULL], [FULL], [FULL], [], [FULL], [], []):
        bench.see(*look)
        seen.append([state for _, state in bench.states()])

    assert seen == [[], [], [], [], [], ["firing"], ["firing"], ["firing"], ["firing"], ["over"]]


def test_equal_identities_in_one_run_are_merged() -> None:
    bench = LedgerBench()
    bench.see(FULL, evolve(FULL, message="really", event_type="E"))
    (alert,) = bench.deliver()

    assert alert["labels"]["event_type"] == "E"
    assert alert["annotations"]["message"] == "it is full\nreally"


def test_a_change_of_event_type_resolves_the_old_and_fires_the_new_in_one_commit() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(60)
    update = bench.see(evolve(FULL, event_type="E"))
    found = {alert["labels"]["event_type"]: alert for alert in bench.deliver()}

    assert len([alert for alert in update.changes.alerts.values() if alert]) == 2
    assert found["W"]["endsAt"] == found["E"]["startsAt"] == moment(T + 60)


def test_a_changed_configured_label_moves_the_alert_and_keeps_its_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(60)
    bench.store.config.service = evolve(bench.service, labels={"host": "new", "site": "s"})
    bench.work(lambda update: reconcile(update))
    found = {alert["labels"]["host"]: alert for alert in bench.deliver()}

    assert found["h"]["endsAt"] == moment(T + 60)
    assert (found["new"]["startsAt"], found["new"]["endsAt"]) == (moment(T), moment(T + 300))


def test_labels_of_the_check_freeze_when_it_fires() -> None:
    bench = LedgerBench()
    bench.see(evolve(FULL, labels={"disk": "one"}))
    bench.see(evolve(FULL, labels={"disk": "two"}))

    assert [alert["labels"]["disk"] for alert in bench.deliver()] == ["one"]


def test_more_conditions_than_allowed_are_one_alert_and_those_firing_stay() -> None:
    module = Module("disk", "disk", every=Duration(60), max_conditions=2)
    bench = LedgerBench(service_of(module))
    many = [evolve(FULL, instance=f"/{n}") for n in range(5)]
    bench.see(many[3], many[4])
    bench.see(*many)

    firing = {alert.instance for alert in bench.store.alerts.values() if alert.module == "disk"}
    assert firing == {"/3", "/4"}
    assert (TOO_MANY_CONDITIONS.key("disk")[0], "firing") in bench.states()

    bench.deliver()
    bench.see(many[3])

    assert (TOO_MANY_CONDITIONS.key("disk")[0], "resolved") in bench.states()
