"""The judge of notifications counts what one Alertmanager, or a cluster, sends too often."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.simulation.alertmanager.notification import (
    Notification,
    NotifiedAlert,
    Reason,
    Status,
)
from tests.simulation.events import Event, LifeBegan, Notified, Posted
from tests.simulation.promises.each_event_is_notified import (
    GOSSIP,
    LEDGER_LOST,
    NOT_TOLD,
    NOT_YET_HEARD,
    TWICE,
    each_event_is_notified,
)
from tests.simulation.scenario import Scenario, Settings

FIRST, SECOND = "http://am-0.example.invalid", "http://am-1.example.invalid"
START = 1_750_000_000.0
LABELS = {"alertname": "Scripted", "check": "m00", "instance": "i1", "event_type": "I"}


def judge() -> each_event_is_notified:
    return each_event_is_notified(
        Scenario(1, 1.0, START, Settings(), modules=(), peers=(FIRST, SECOND), faults=())
    )


def posted(after: float, ends: float, peer: str = FIRST) -> Posted:
    return Posted(
        peer=peer,
        at=START + after,
        alert={"labels": LABELS},
        taken=True,
        answered=True,
        starts=START,
        ends=START + ends,
    )


def notified(after: float, peer: str, status: Status, began: float = 0.0) -> Notified:
    reason = Reason.FIRST if status is Status.FIRING else Reason.RESOLVED
    alert = NotifiedAlert(LABELS, {}, START + began, None, status)
    at = START + after
    return Notified(peer, at, Notification(at, peer, "team", {}, (alert,), reason))


@pytest.mark.parametrize(
    ("sender", "later", "found"),
    [
        (SECOND, GOSSIP / 2, []),
        (SECOND, GOSSIP * 2, ["Scripted m00 i1 I its end was notified 2 times"]),
        (FIRST, GOSSIP / 2, ["Scripted m00 i1 I its end was notified 2 times"]),
    ],
)
def test_an_end_may_be_notified_twice_only_by_members_that_could_not_know(
    sender: str, later: float, found: list[str]
) -> None:
    judged = judge()
    story: list[Event] = [
        posted(0.0, ends=7200.0),
        notified(10.0, FIRST, Status.FIRING),
        posted(1800.0, ends=1800.0),
        notified(1810.0, FIRST, Status.RESOLVED),
        notified(1810.0 + later, sender, Status.RESOLVED),
    ]

    findings = [finding for event in story for finding in judged.hear(event)]
    findings += judged.at_the_end(START + 3600.0)

    assert [finding.what for finding in findings] == found
    assert judged.reasons[f"{TWICE}: {NOT_YET_HEARD}"] == (not found)


@pytest.mark.parametrize(("told", "found"), [(False, []), (True, ["notified 2 times"])])
def test_a_member_may_notify_again_only_if_it_was_not_told_the_end(
    told: bool, found: list[str]
) -> None:
    judged = judge()
    story: list[Event] = [
        posted(0.0, ends=7200.0),
        posted(0.0, ends=7200.0, peer=SECOND),
        notified(10.0, FIRST, Status.FIRING),
        posted(1800.0, ends=1800.0),
        *([posted(1801.0, ends=1801.0, peer=SECOND)] if told else []),
        notified(1810.0, FIRST, Status.RESOLVED),
        notified(1870.0, SECOND, Status.FIRING),
    ]

    findings = [finding for event in story for finding in judged.hear(event)]
    findings += judged.at_the_end(START + 3600.0)

    assert [finding.what[-len("notified 2 times") :] for finding in findings] == found
    assert judged.reasons[f"{TWICE}: {NOT_TOLD}"] == (not told)


@pytest.mark.parametrize(("ledger", "is_excused"), [("older", True), ("kept", False)])
def test_a_ledger_that_was_lost_may_bring_back_what_had_ended(
    ledger: str, is_excused: bool
) -> None:
    judged = judge()
    story: list[Event] = [
        posted(0.0, ends=7200.0),
        notified(10.0, FIRST, Status.FIRING),
        posted(1800.0, ends=1800.0),
        notified(1810.0, FIRST, Status.RESOLVED),
        LifeBegan(2, START + 1850.0, START + 1850.0, ledger),
        notified(1900.0, FIRST, Status.FIRING),
    ]

    findings = [finding for event in story for finding in judged.hear(event)]
    findings += judged.at_the_end(START + 3600.0)

    found = [] if is_excused else ["Scripted m00 i1 I was notified 2 times"]
    assert [finding.what for finding in findings] == found
    assert judged.reasons[f"{TWICE}: {LEDGER_LOST}"] == is_excused


@pytest.mark.parametrize(("waited", "is_excused"), [(5.0, True), (50.0, False)])
def test_the_last_end_may_be_notified_after_the_alert_came_back_by_a_member_that_waited(
    waited: float, is_excused: bool
) -> None:
    judged = judge()
    back = 3600.0
    story: list[Event] = [
        posted(0.0, ends=7200.0),
        notified(10.0, FIRST, Status.FIRING),
        posted(1800.0, ends=1800.0),
        notified(1810.0, FIRST, Status.RESOLVED),
        evolve(posted(back, ends=7200.0), starts=START + back),
        notified(back + 10.0, FIRST, Status.FIRING, began=back),
        notified(back + 10.0 + waited, SECOND, Status.RESOLVED),
        notified(back + 70.0, FIRST, Status.FIRING, began=back),
    ]

    findings = [finding for event in story for finding in judged.hear(event)]
    findings += judged.at_the_end(START + 7000.0)

    assert [finding.what[-len("notified 2 times") :] for finding in findings] == (
        [] if is_excused else ["notified 2 times"]
    )
