"""The contract's rules for conditions and for outages, one sentence each."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.alerts.self_alerts import surplus_name
from supervisor.config.service import Module
from supervisor.observations import Duration
from tests.support.ledger_bench import FULL, A, B, Desk, T, moment, service_of

# -- conditions -----------------------------------------------------------------------------


def test_a_condition_fires_with_its_labels_and_annotations() -> None:
    desk = Desk()
    desk.see(FULL)

    assert desk.deliver() == [
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
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(59)

    assert desk.deliver() == []
    assert desk.book.next_due(A) == T + 60

    desk.pass_time(1)
    (again,) = desk.deliver()

    assert (again["startsAt"], again["endsAt"]) == (moment(T), moment(T + 300))


def test_it_is_sent_at_once_when_its_message_changes() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(5)
    desk.see(evolve(FULL, message="it is fuller"))
    (again,) = desk.deliver()

    assert (again["annotations"]["message"], again["startsAt"]) == ("it is fuller", moment(T))


def test_a_run_that_sees_the_same_changes_nothing() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.pass_time(60)

    assert not desk.see(FULL).changes


def test_a_cleared_condition_that_a_peer_took_is_resolved_at_once_and_for_15_minutes() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(30)
    desk.see()
    (resolved,) = desk.deliver()

    assert (resolved["startsAt"], resolved["endsAt"]) == (moment(T), moment(T + 30))

    sent = []
    for _ in range(100):
        desk.pass_time(10)
        desk.tend()
        sent += [(desk.now - T - 30, alert["endsAt"]) for alert in desk.deliver()]

    assert sent == [(60.0 * n, moment(T + 30)) for n in range(1, 15)]
    assert desk.book.alerts == {}
    assert desk.book.cursors[A] == {}


def test_a_resolved_alert_is_kept_as_long_as_a_peer_may_believe_it_firing() -> None:
    desk = Desk(service_of(urls=(A, B), resend_interval=Duration(600)))
    desk.see(FULL)
    desk.deliver(A)
    desk.deliver(B)  # active there until T + 2400
    desk.pass_time(10)
    desk.see()
    desk.deliver(A)
    desk.pass_time(950)
    desk.tend()

    assert [alert["endsAt"] for alert in desk.deliver(B)] == [moment(T + 10)]


def test_hysteresis_counts_consecutive_runs() -> None:
    module = Module("disk", "disk", every=Duration(60), fire_after=3, clear_after=2)
    desk = Desk(service_of(module))
    seen = []
    for look in ([FULL], [FULL], [], [FULL], [FULL], [FULL], [], [FULL], [], []):
        desk.see(*look)
        seen.append([state for _, state in desk.states()])

    assert seen == [[], [], [], [], [], ["firing"], ["firing"], ["firing"], ["firing"], ["over"]]


def test_equal_identities_in_one_run_are_merged() -> None:
    desk = Desk()
    desk.see(FULL, evolve(FULL, message="really", event_type="E"))
    (alert,) = desk.deliver()

    assert alert["labels"]["event_type"] == "E"
    assert alert["annotations"]["message"] == "it is full\nreally"


def test_a_change_of_event_type_resolves_the_old_and_fires_the_new_in_one_commit() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(60)
    draft = desk.see(evolve(FULL, event_type="E"))
    found = {alert["labels"]["event_type"]: alert for alert in desk.deliver()}

    assert len([alert for alert in draft.changes.alerts.values() if alert]) == 2
    assert found["W"]["endsAt"] == found["E"]["startsAt"] == moment(T + 60)


def test_a_changed_configured_label_moves_the_alert_and_keeps_its_start() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(60)
    desk.book.service = evolve(desk.service, labels={"host": "new", "site": "s"})
    desk.work(lambda draft: draft.reconcile())
    found = {alert["labels"]["host"]: alert for alert in desk.deliver()}

    assert found["h"]["endsAt"] == moment(T + 60)
    assert (found["new"]["startsAt"], found["new"]["endsAt"]) == (moment(T), moment(T + 300))


def test_labels_of_the_check_freeze_when_it_fires() -> None:
    desk = Desk()
    desk.see(evolve(FULL, labels={"disk": "one"}))
    desk.see(evolve(FULL, labels={"disk": "two"}))

    assert [alert["labels"]["disk"] for alert in desk.deliver()] == ["one"]


def test_more_conditions_than_allowed_are_one_alert_and_those_firing_stay() -> None:
    module = Module("disk", "disk", every=Duration(60), max_conditions=2)
    desk = Desk(service_of(module))
    many = [evolve(FULL, instance=f"/{n}") for n in range(5)]
    desk.see(many[3], many[4])
    desk.see(*many)

    firing = {alert.instance for alert in desk.book.alerts.values() if alert.module == "disk"}
    assert firing == {"/3", "/4"}
    assert (surplus_name("disk"), "firing") in desk.states()

    desk.deliver()
    desk.see(many[3])

    assert (surplus_name("disk"), "resolved") in desk.states()


# -- outages --------------------------------------------------------------------------------


def test_an_event_that_nobody_took_is_sent_as_firing_and_held_for_min_visible() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.take()  # the peer does not answer
    desk.pass_time(3600)
    desk.see()
    desk.pass_time(3600)
    (late,) = desk.deliver()

    assert (late["startsAt"], late["endsAt"]) == (moment(T), moment(desk.now + 240))

    desk.stay(359)
    assert desk.only().state is State.OVER

    desk.pass_time(1)
    desk.tend()
    (resolved,) = desk.deliver()
    assert resolved["endsAt"] == moment(desk.now)
    assert desk.only().state is State.RESOLVED


def test_a_peer_that_is_gone_again_has_not_held_it_long_enough() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.see()
    desk.deliver()  # active there until T + 240
    desk.pass_time(360)
    desk.tend()
    assert desk.only().state is State.OVER

    desk.stay(10)
    desk.stay(359)
    assert desk.only().state is State.OVER

    desk.stay(1)
    assert desk.only().state is State.RESOLVED


def test_a_peer_that_comes_and_goes_does_not_hold_up_the_others() -> None:
    desk = Desk(service_of(urls=(A, B)))
    desk.see(FULL)
    desk.see()
    for _ in range(3):
        desk.deliver(B)
        desk.stay(250)

    assert desk.only().state is State.RESOLVED


def test_further_episodes_of_an_outage_fold_into_the_first() -> None:
    desk = Desk()
    for _ in range(3):
        desk.see(FULL)
        desk.pass_time(60)
        desk.see()
        desk.pass_time(60)
    (late,) = desk.deliver()

    assert late["startsAt"] == moment(T)
    assert late["annotations"]["episodes"] == "3"


def test_if_it_fires_again_meanwhile_only_the_present_is_sent_with_the_first_start() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.pass_time(60)
    desk.see()
    desk.pass_time(60)
    desk.see(evolve(FULL, message="again"))
    (late,) = desk.deliver()

    assert (late["startsAt"], late["annotations"]["message"]) == (moment(T), "again")
    assert "episodes" not in late["annotations"]


def test_firing_again_does_not_shorten_the_time_that_the_past_is_owed() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.see()
    desk.deliver()
    desk.stay(10)
    desk.see(FULL)
    desk.stay(10)
    desk.see()
    assert desk.only().state is State.OVER

    desk.stay(339)
    assert desk.only().state is State.OVER

    desk.stay(1)
    assert desk.only().state is State.RESOLVED


def test_firing_again_for_long_enough_pays_what_the_past_is_owed() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.see()
    desk.see(FULL)
    desk.stay(400)
    desk.see()

    assert desk.only().state is State.RESOLVED


def test_what_was_over_before_the_answer_came_is_sent_again() -> None:
    desk = Desk()
    desk.see(FULL)
    batch = desk.take()
    desk.pass_time(300)  # a suspend while the request was in flight
    for item in batch:
        desk.book.delivered(A, item, desk.now)

    assert not desk.book.was_taken(desk.only())
    assert [alert["endsAt"] for alert in desk.deliver()] == [moment(desk.now + 240)]


def test_it_is_enough_that_one_peer_took_it() -> None:
    desk = Desk(service_of(urls=(A, B)))
    desk.see(FULL)
    desk.deliver(A)
    desk.see()

    assert desk.only().state is State.RESOLVED
    assert [alert["endsAt"] for alert in desk.deliver(B)] == [moment(T)]


def test_what_every_peer_holds_is_resolved_when_the_last_has_held_it() -> None:
    desk = Desk(service_of(urls=(A, B)))
    desk.see(FULL)
    desk.see()
    desk.deliver(A)
    desk.stay(300)
    desk.deliver(B)
    desk.stay(359, A, B)
    assert desk.only().state is State.OVER

    desk.stay(1, A, B)
    assert desk.only().state is State.RESOLVED


def test_an_ended_event_that_every_peer_refuses_is_given_up_and_counted() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.see()
    for item in desk.take():
        desk.book.rejected(A, item)
    desk.pass_time(901)
    desk.tend()

    assert desk.book.alerts == {}
    assert desk.book.lost == {"rejected": 1}
