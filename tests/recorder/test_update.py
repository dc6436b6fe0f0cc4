"""The contract's rules for reports, failures, changed configurations and clocks."""

from __future__ import annotations

import json
from functools import partial

import pytest
from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, Announcement, State
from supervisor.alerts.self_alerts import failure_name
from supervisor.config.service import Module
from supervisor.observations import Duration, Run
from supervisor.recorder.update import Draft
from tests.support.ledger_bench import DISK, FULL, HELLO, A, B, Desk, T, moment, service_of

# -- reports --------------------------------------------------------------------------------


def test_a_report_is_the_identical_body_until_its_end() -> None:
    desk = Desk()
    desk.see(HELLO)
    bodies = []
    for _ in range(200):
        desk.tend()
        bodies += [(desk.now - T, json.dumps(alert)) for alert in desk.deliver()]
        desk.pass_time(10)

    assert [at for at, _ in bodies] == [60.0 * n for n in range(30)]
    assert len({body for _, body in bodies}) == 1
    report = json.loads(bodies[0][1])
    assert (report["startsAt"], report["endsAt"]) == (moment(T), moment(T + 1800))
    assert report["labels"]["event_id"]
    assert "instance" not in report["labels"]
    assert desk.book.alerts == {}


def test_a_report_that_nobody_took_in_time_is_dated_anew_and_says_so() -> None:
    desk = Desk()
    desk.see(HELLO)
    desk.pass_time(1800 - 360)
    assert desk.take() == []  # too late to be notified for certain

    desk.tend()
    (late,) = desk.deliver()

    assert (late["startsAt"], late["endsAt"]) == (moment(T), moment(desk.now + 1800))
    assert late["annotations"]["delayed"] == "true"


def test_a_report_that_one_peer_took_in_time_keeps_its_end_for_the_others() -> None:
    desk = Desk(service_of(urls=(A, B)))
    desk.see(HELLO)
    desk.deliver(A)
    desk.pass_time(1700)
    desk.tend()

    assert [alert["endsAt"] for alert in desk.deliver(B)] == [moment(T + 1800)]


def test_a_report_of_the_same_time_is_not_made_twice() -> None:
    desk = Desk()
    desk.see(HELLO, HELLO)
    desk.see(HELLO, HELLO)

    assert len(desk.book.alerts) == 2  # two in one run are two, but the run itself is one


def test_a_report_that_every_peer_refuses_is_given_up_at_its_end() -> None:
    desk = Desk()
    desk.see(HELLO)
    for item in desk.take():
        desk.book.rejected(A, item)
    desk.pass_time(1799)
    desk.tend()
    assert len(desk.book.alerts) == 1

    desk.pass_time(1)
    desk.tend()
    assert desk.book.alerts == {}


# -- failures -------------------------------------------------------------------------------


def test_a_failed_run_is_a_condition_of_its_own_and_ends_with_the_next_good_run() -> None:
    module = evolve(DISK, fire_after=5)
    desk = Desk(service_of(module))
    desk.fail()
    (failed,) = desk.deliver()

    assert failed["labels"]["alertname"] == "Failed to execute module (disk)"
    assert (failed["labels"]["event_type"], failed["labels"]["check"]) == ("TE", "disk")
    assert failed["annotations"]["message"] == "it broke"
    assert failed["annotations"]["detail"] == "<pre>Traceback &lt;1&gt;</pre>"

    desk.see()
    assert desk.states() == [(failure_name("disk"), "resolved")]


def test_a_failed_run_holds_what_the_module_had_firing_and_says_since_when() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(60)
    desk.fail()
    held = {alert["labels"]["alertname"]: alert for alert in desk.deliver()}

    assert held["Disk usage"]["annotations"]["last_confirmed"] == "1970-01-12 22:46:40"
    assert held["Disk usage"]["endsAt"] == moment(desk.now + 240)

    desk.pass_time(30)
    desk.fail()
    assert desk.take() == []

    desk.see(FULL)
    (again, _) = sorted(desk.deliver(), key=lambda alert: str(alert["labels"]["alertname"]))
    assert "last_confirmed" not in again["annotations"]


def test_failed_runs_count_neither_for_nor_against() -> None:
    module = Module("disk", "disk", every=Duration(60), fire_after=2, clear_after=2)
    desk = Desk(service_of(module))
    desk.see(FULL)
    desk.fail()
    desk.see(FULL)
    assert ("Disk usage", "firing") in desk.states()

    desk.deliver()
    desk.see()
    desk.fail()
    assert ("Disk usage", "firing") in desk.states()

    desk.see()
    assert ("Disk usage", "resolved") in desk.states()


# -- the configuration changes --------------------------------------------------------------


@pytest.mark.parametrize("modules", [(Module("other", "other"),), (evolve(DISK, enabled=False),)])
def test_alerts_of_a_module_that_is_gone_are_resolved(modules: tuple[Module, ...]) -> None:
    desk = Desk()
    desk.see(FULL)
    desk.fail()
    desk.deliver()
    desk.book.service = service_of(*modules)
    desk.work(lambda draft: draft.reconcile())

    assert {state for _, state in desk.states()} == {"resolved"}


def test_modules_and_peers_that_are_gone_take_with_them_what_was_said_of_them() -> None:
    module = evolve(DISK, max_conditions=1)
    desk = Desk(service_of(module, urls=(A, B)))
    desk.see(FULL, evolve(FULL, instance="/other"))
    misconfigured = [Announcement("PeerMisconfigured", peer, "it is wrong") for peer in (A, B)]
    for one in misconfigured:
        desk.work(partial(Draft.announce, announcement=one))
    desk.fail()
    desk.deliver()
    desk.restart(service_of(Module("other", "other")))

    firing = {
        (alert.alertname, alert.instance)
        for alert in desk.book.alerts.values()
        if alert.state is State.FIRING
    }
    assert firing == {("PeerMisconfigured", A)}


def test_a_new_peer_gets_what_fires_and_reports_that_are_not_over() -> None:
    desk = Desk()
    desk.see(FULL, HELLO)
    desk.deliver()
    desk.restart(service_of(urls=(A, B)))
    desk.see(FULL)

    assert sorted(alert["labels"]["alertname"] for alert in desk.deliver(B)) == [
        "Daily",
        "Disk usage",
    ]
    assert desk.take(A) == []


def test_a_removed_peers_cursors_are_deleted() -> None:
    desk = Desk(service_of(urls=(A, B)))
    desk.see(FULL)
    desk.deliver(A)
    desk.deliver(B)
    desk.work(lambda _: None)
    desk.book.service = service_of(urls=(A,))
    desk.book.forget_other_peers()
    draft = desk.work(lambda _: None)

    assert list(draft.changes.cursors.values()) == [None]
    assert list(desk.book.cursors) == [A]


def test_what_peers_let_expire_waits_for_the_first_run_after_a_start() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(241)
    desk.book.await_confirmation(desk.now)
    assert desk.take() == []

    desk.see(FULL)
    (again,) = desk.deliver()
    assert again["startsAt"] == moment(T)


def test_what_peers_still_have_is_sent_on_after_a_start() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(239)
    desk.book.await_confirmation(desk.now)

    assert [alert["startsAt"] for alert in desk.deliver()] == [moment(T)]


def test_an_at_module_does_not_wait_for_its_next_day() -> None:
    desk = Desk(service_of(Module("disk", "disk", at=("09:00",))))
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(86000)
    desk.book.await_confirmation(desk.now)

    assert [alert["startsAt"] for alert in desk.deliver()] == [moment(T)]


# -- the supervisor's own -------------------------------------------------------------------


def test_an_announcement_fires_and_ends() -> None:
    desk = Desk()
    desk.work(lambda draft: draft.announce(Announcement("PeerClockSkew", A, "it is late")))
    (skewed,) = desk.deliver()

    assert (skewed["labels"]["check"], skewed["labels"]["event_type"]) == (SUPERVISOR, "TE")
    assert skewed["labels"]["instance"] == A

    desk.work(lambda draft: draft.announce(Announcement("PeerClockSkew", A, None)))
    assert desk.states() == [("PeerClockSkew", "resolved")]


def test_the_heartbeat_begins_anew_with_each_process() -> None:
    desk = Desk()
    beat = Announcement("Heartbeat", "", "alive", event_type="I")
    desk.work(lambda draft: draft.announce(beat))
    desk.deliver()
    desk.pass_time(500)
    desk.work(lambda draft: draft.reconcile())
    desk.work(lambda draft: draft.announce(beat))

    assert [alert["startsAt"] for alert in desk.deliver()] == [moment(T + 500)]


def test_a_rejected_body_is_tried_again_when_it_changes() -> None:
    desk = Desk()
    desk.see(FULL)
    for item in desk.take():
        desk.book.rejected(A, item)
    desk.pass_time(600)
    assert desk.take() == []
    assert desk.book.is_rejected(desk.only())

    desk.see(evolve(FULL, message="other"))
    assert len(desk.take()) == 1


def test_alert_rejected_ends_when_nothing_is_rejected_any_more() -> None:
    desk = Desk()
    desk.see(FULL)
    for item in desk.take():
        desk.book.rejected(A, item)
    desk.work(lambda draft: draft.announce(Announcement("AlertRejected", "disk", "refused")))
    desk.work(lambda draft: draft.review())
    assert ("AlertRejected", "firing") in desk.states()

    desk.see(evolve(FULL, message="other"))
    desk.deliver()
    desk.work(lambda draft: draft.review())
    assert ("AlertRejected", "resolved") in desk.states()


# -- clocks ----------------------------------------------------------------------------------


def test_a_clock_set_back_delays_nothing() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(-3600)
    desk.work(lambda draft: draft.rewind())
    (again,) = desk.deliver()

    assert (again["startsAt"], again["endsAt"]) == (moment(desk.now), moment(desk.now + 240))
    assert desk.book.next_due(A) == desk.now + 60


def test_nothing_that_is_over_is_active_after_the_clock_was_set_back() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(10)
    desk.see()
    desk.deliver()
    desk.pass_time(-86_400)
    desk.work(lambda draft: draft.rewind())

    assert [alert["endsAt"] for alert in desk.deliver()] == [moment(desk.now)]


def test_a_report_keeps_its_times_when_the_clock_is_set_back() -> None:
    desk = Desk()
    desk.see(HELLO)
    before = desk.deliver()
    desk.pass_time(-3600)
    desk.work(lambda draft: draft.rewind())

    assert desk.deliver() == before


def test_a_start_with_the_clock_set_back_sends_on_what_fires() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(-86_400)
    desk.restart(desk.service)

    assert [alert["endsAt"] for alert in desk.deliver()] == [moment(desk.now + 240)]


@pytest.mark.parametrize("after", [360.0, 900.0])
def test_what_fires_again_just_when_it_was_to_be_tended_fires(after: float) -> None:
    desk = Desk()
    desk.see(FULL)
    if after == 900.0:
        desk.deliver()
        desk.see()
    else:
        desk.see()
        desk.deliver()
    desk.stay(after - 1)
    desk.pass_time(1)
    again = Run("disk", desk.now, desk.now, 0.1, (FULL,))

    def record_and_tend(draft: Draft) -> None:
        draft.record(DISK, again, None)
        draft.tend()

    desk.work(record_and_tend)

    assert desk.states() == [("Disk usage", "firing")]
    assert desk.book.lost == {}


def test_what_awaits_a_module_that_a_reload_removes_is_sent_all_the_same() -> None:
    other = Module("x", "other", every=DISK.every)
    desk = Desk(service_of(DISK, other))
    desk.see(FULL)
    desk.book.await_confirmation(desk.now)
    desk.book.serve(service_of(other))
    desk.work(lambda draft: draft.reconcile())

    (sent,) = desk.deliver()
    assert sent["labels"]["instance"] == FULL.instance


def test_a_quarantine_that_a_kill_left_unsaid_is_said_after_the_start() -> None:
    desk = Desk()
    desk.see(FULL)
    (outgoing,) = desk.book.take_due(A, desk.now, 0.0, 10, 1 << 20)
    desk.book.rejected(A, outgoing)
    desk.work(lambda draft: draft.reconcile())
    said = desk.states()
    desk.work(lambda draft: draft.review())

    assert ("AlertRejected", "firing") in said
    assert desk.states() == said
