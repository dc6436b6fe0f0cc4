"""The contract's wire table, identity, outage and start rules, one sentence each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve, field

from supervisor import wire
from supervisor.book import Book, Outgoing
from supervisor.draft import Draft
from supervisor.model import (
    SUPERVISOR,
    Alert,
    Announcement,
    Condition,
    Duration,
    Observation,
    Report,
    Run,
    State,
)
from supervisor.own import failure_name, surplus_name
from supervisor.service import Alertmanager, Module, Service

A, B = "http://127.0.0.1:9093", "http://127.0.0.2:9093"
T = 1_000_000.0
DISK = Module("disk", "disk", every=Duration(60))
FULL = Condition("Disk usage", "W", "/", "it is full")
HELLO = Report("Daily", "hello", "<b>hello</b>")


def service_of(*modules: Module, urls: tuple[str, ...] = (A,), **settings: Any) -> Service:
    return Service(
        Path("X.toml"),
        "X",
        ZoneInfo("Asia/Seoul"),
        labels={"host": "h", "site": "s"},
        modules=modules or (DISK,),
        alertmanager=Alertmanager(urls=urls),
        **settings,
    )


@define
class Desk:
    """A book that is worked on as the recorder does, at a time that the test sets."""

    service: Service = field(factory=service_of)
    now: float = T
    book: Book = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.book = Book(self.service)

    def work(self, what: Callable[[Draft], object]) -> Draft:
        draft = Draft(self.book, self.now)
        what(draft)
        draft.changes.cursors |= self.book.unsaved_cursors()
        self.book.adopt(draft.changes)
        return draft

    def see(self, *seen: Observation, module: Module | None = None, **run: Any) -> Draft:
        module = module or self.service.modules[0]
        done = Run(module.name, self.now, self.now, 0.1, seen, **run)
        draft = self.work(lambda draft: draft.record(module, done, None))
        self.book.confirm(module.name)
        return draft

    def fail(self, error: str = "it broke") -> Draft:
        return self.see(error=error, traceback="Traceback <1>")

    def tend(self) -> Draft:
        return self.work(lambda draft: draft.tend())

    def take(self, peer: str = A) -> list[Outgoing]:
        return self.book.take_due(peer, self.now, 0.0, 1000, 1 << 20)

    def deliver(self, peer: str = A) -> list[dict[str, Any]]:
        """Let the peer take what is due and return it, decoded."""
        batch = self.take(peer)
        for item in batch:
            self.book.delivered(peer, item, self.now)
        return [json.loads(item.data) for item in batch]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def only(self) -> Alert:
        (alert,) = self.book.alerts.values()
        return alert

    def states(self) -> list[tuple[str, str]]:
        return sorted((alert.alertname, alert.state.value) for alert in self.book.alerts.values())


def moment(seconds: float) -> str:
    return wire.rfc3339(seconds)


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

    desk.pass_time(359)
    desk.tend()
    assert desk.only().state is State.OVER

    desk.pass_time(1)
    desk.tend()
    (resolved,) = desk.deliver()
    assert resolved["endsAt"] == moment(desk.now)


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
    desk.pass_time(10)
    desk.see(FULL)
    desk.pass_time(10)
    desk.see()
    assert desk.only().state is State.OVER

    desk.pass_time(340)
    desk.tend()
    assert desk.only().state is State.RESOLVED


def test_what_was_over_before_the_answer_came_is_sent_again() -> None:
    desk = Desk()
    desk.see(FULL)
    batch = desk.take()
    desk.pass_time(300)  # a suspend while the request was in flight
    for item in batch:
        desk.book.delivered(A, item, desk.now)

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
    desk.pass_time(300)
    desk.deliver(B)
    desk.pass_time(100)
    desk.tend()
    assert desk.only().state is State.OVER

    desk.pass_time(260)
    desk.tend()
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


def test_a_new_peer_gets_what_fires_and_reports_that_are_not_over() -> None:
    desk = Desk()
    desk.see(FULL, HELLO)
    desk.deliver()
    book = Book(service_of(urls=(A, B)), cursors=desk.book.cursors)
    book.adopt(Draft(desk.book, T, desk.work(lambda _: None).changes).changes)
    for alert in desk.book.alerts.values():
        book._replace(alert.fingerprint, alert)  # as loaded from the ledger
    desk.book = book

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


# -- clocks and bounds ----------------------------------------------------------------------


def test_a_clock_set_back_delays_nothing() -> None:
    desk = Desk()
    desk.see(FULL)
    desk.deliver()
    desk.pass_time(-3600)
    desk.book.rewind(desk.now)
    (again,) = desk.deliver()

    assert again["startsAt"] <= again["endsAt"]


def test_the_ledger_is_bounded_and_each_loss_is_counted_and_announced() -> None:
    desk = Desk(service_of(max_ledger=20_000))
    for number in range(200):
        desk.see(*(evolve(FULL, instance=f"/{n}") for n in range(number)))
        desk.pass_time(1)

    firing = [alert for alert in desk.book.alerts.values() if alert.module == "disk"]
    assert 20 < len(firing) < 40
    assert desk.book.bytes < 22_000
    assert desk.book.lost["refused"] > 0
    assert ("LedgerOverflow", "firing") in desk.states()


def test_delivered_and_resolved_go_first_and_are_no_loss() -> None:
    desk = Desk(service_of(max_ledger=20_000))
    desk.see(*(evolve(FULL, instance=f"/old{n}") for n in range(20)))
    desk.deliver()
    desk.see()
    desk.deliver()
    desk.see(*(evolve(FULL, instance=f"/new{n}") for n in range(25)))

    assert sum(alert.state is State.FIRING for alert in desk.book.alerts.values()) == 25
    assert desk.book.lost == {}


def test_reports_go_before_conditions_that_fire() -> None:
    desk = Desk(service_of(max_ledger=20_000))
    for _ in range(25):
        desk.see(HELLO)
        desk.pass_time(1)
    desk.see(*(evolve(FULL, instance=f"/{n}") for n in range(25)))

    assert sum(alert.state is State.FIRING for alert in desk.book.alerts.values()) == 25 + 1
    assert desk.book.lost["evicted"] > 0
