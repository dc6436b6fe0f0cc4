"""The rules for conditions and for outages: a test for each sentence of the reference."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.alerts.self_alerts import TOO_MANY_CONDITIONS
from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.recorder.reconcile import reconcile
from tests.support.ledger_bench import FULL, A, B, LedgerBench, T, moment, service_of

# -- conditions -----------------------------------------------------------------------------


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


# -- outages --------------------------------------------------------------------------------


def test_an_event_that_no_peer_took_is_sent_as_firing_and_held_for_min_visible() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.take()  # the peer does not answer
    bench.pass_time(3600)
    bench.see()
    bench.pass_time(3600)
    (late,) = bench.deliver()

    assert (late["startsAt"], late["endsAt"]) == (moment(T), moment(bench.now + 240))

    bench.stay(359)
    assert bench.only().state is State.OVER

    bench.pass_time(1)
    bench.housekeep()
    (resolved,) = bench.deliver()
    assert resolved["endsAt"] == moment(bench.now)
    assert bench.only().state is State.RESOLVED


def test_a_peer_that_is_gone_again_has_not_held_it_long_enough() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.deliver()  # active there until T + 240
    bench.pass_time(360)
    bench.housekeep()
    assert bench.only().state is State.OVER

    bench.stay(10)
    bench.stay(359)
    assert bench.only().state is State.OVER

    bench.stay(1)
    assert bench.only().state is State.RESOLVED


def test_a_peer_that_comes_and_goes_does_not_hold_up_the_others() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.see()
    for _ in range(3):
        bench.deliver(B)
        bench.stay(250)

    assert bench.only().state is State.RESOLVED


def test_further_episodes_of_an_outage_fold_into_the_first() -> None:
    bench = LedgerBench()
    for _ in range(3):
        bench.see(FULL)
        bench.pass_time(60)
        bench.see()
        bench.pass_time(60)
    (late,) = bench.deliver()

    assert late["startsAt"] == moment(T)
    assert late["annotations"]["episodes"] == "3"


def test_if_it_fires_again_before_that_only_the_present_is_sent_with_the_first_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.pass_time(60)
    bench.see()
    bench.pass_time(60)
    bench.see(evolve(FULL, message="again"))
    (late,) = bench.deliver()

    assert (late["startsAt"], late["annotations"]["message"]) == (moment(T), "again")
    assert "episodes" not in late["annotations"]


def test_firing_again_does_not_shorten_the_time_that_the_past_is_owed() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.deliver()
    bench.stay(10)
    bench.see(FULL)
    bench.stay(10)
    bench.see()
    assert bench.only().state is State.OVER

    bench.stay(339)
    assert bench.only().state is State.OVER

    bench.stay(1)
    assert bench.only().state is State.RESOLVED


def test_firing_again_for_long_enough_pays_what_the_past_is_owed() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.see(FULL)
    bench.stay(400)
    bench.see()

    assert bench.only().state is State.RESOLVED


def test_what_was_over_before_the_answer_came_is_sent_again() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    batch = bench.take()
    bench.pass_time(300)  # a suspend while the request was in flight
    for item in batch:
        bench.outbox.delivered(A, item, bench.now)

    assert not bench.cursors.was_taken(bench.only())
    assert [alert["endsAt"] for alert in bench.deliver()] == [moment(bench.now + 240)]


def test_it_is_enough_that_one_peer_took_it() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.deliver(A)
    bench.see()

    assert bench.only().state is State.RESOLVED
    assert [alert["endsAt"] for alert in bench.deliver(B)] == [moment(T)]


def test_what_every_peer_holds_is_resolved_when_the_last_has_held_it() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.see()
    bench.deliver(A)
    bench.stay(300)
    bench.deliver(B)
    bench.stay(359, A, B)
    assert bench.only().state is State.OVER

    bench.stay(1, A, B)
    assert bench.only().state is State.RESOLVED


def test_an_ended_event_that_every_peer_refuses_is_given_up_and_counted() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    for item in bench.take():
        bench.outbox.rejected(A, item)
    bench.pass_time(901)
    bench.housekeep()

    assert bench.store.alerts == {}
    assert bench.store.lost == {"rejected": 1}
