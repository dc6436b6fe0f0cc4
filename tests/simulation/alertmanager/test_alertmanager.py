"""One Alertmanager: when it sends what."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.listing import text
from tests.simulation.alertmanager.notification import Notification, Reason, Status
from tests.simulation.alertmanager.settings import Settings

T = 1_700_000_000.0
"""When everything begins."""

SETTINGS = Settings(group_by=("alertname",), group_wait=10, group_interval=60, repeat_interval=600)


def alert(
    start: float, end: float | None = None, *, host: str = "a", name: str = "Disk", **more: Any
) -> dict[str, Any]:
    """Return an alert whose times count from `T`."""
    times = {"startsAt": text(T + start)} | ({} if end is None else {"endsAt": text(T + end)})
    return {"labels": {"alertname": name, "host": host}, **times, **more}


def sent(notifications: list[Notification]) -> list[tuple[float, Reason, str]]:
    """Return times after `T`, reasons, and each alert's host and status: `a+` or `a-`."""
    signs = {Status.FIRING: "+", Status.RESOLVED: "-"}
    return [
        (
            each.at - T,
            each.reason,
            " ".join(each.labels["host"] + signs[each.status] for each in each.alerts),
        )
        for each in notifications
    ]


def running(**changes: Any) -> Alertmanager:
    return Alertmanager(evolve(SETTINGS, **changes), T)


def test_a_new_group_waits_for_more_alerts() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(4, 900, host="b")], T + 4)

    assert T + 10 == manager.next_event()
    assert [(10, Reason.FIRST, "a+ b+")] == sent(manager.advance(T + 100))


def test_an_alert_that_is_old_does_not_wait() -> None:
    manager = running()
    manager.post([alert(-11, 900)], T)

    assert [(0, Reason.FIRST, "a+")] == sent(manager.advance(T))


@pytest.mark.parametrize(("version", "at"), [((0, 25), 3), ((0, 34), 10)])
def test_from_0_30_on_an_old_alert_does_not_hurry_a_group_that_waits(
    version: tuple[int, int], at: float
) -> None:
    manager = running(version=version)
    manager.post([alert(0, 900)], T)
    manager.post([alert(-60, 900, host="b")], T + 3)

    assert [(at, Reason.FIRST, "a+ b+")] == sent(manager.advance(T + 20))


def test_a_group_tells_of_changes_at_its_interval() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(12, 900, host="b")], T + 12)
    manager.post([alert(0, 100)], T + 100)

    assert [
        (10, Reason.FIRST, "a+"),
        (70, Reason.NEW_ALERTS, "a+ b+"),
        (130, Reason.RESOLVED, "a- b+"),
    ] == sent(manager.advance(T + 600))


def test_an_alert_without_an_end_is_resolved_by_the_timeout() -> None:
    manager = running(resolve_timeout=100.0)
    manager.post([alert(0)], T)
    manager.post([alert(0)], T + 50)

    assert [(10, Reason.FIRST, "a+"), (190, Reason.RESOLVED, "a-")] == sent(
        manager.advance(T + 600)
    )


def test_what_is_resolved_before_it_was_sent_is_never_sent() -> None:
    manager = running()
    manager.post([alert(0, 900)], T)
    manager.post([alert(0, 5)], T + 5)

    assert [] == manager.advance(T + 900)


def test_changed_annotations_are_shown_but_do_not_send() -> None:
    manager = running()
    manager.post([alert(0, 2000, annotations={"value": "1"})], T)
    manager.post([alert(0, 3000, annotations={"value": "2"})], T + 20)

    first, second = manager.advance(T + 700)
    assert (Reason.REPEAT, T + 670) == (second.reason, second.at)
    assert [{"value": "1"}, {"value": "2"}] == [
        each.alerts[0].annotations for each in (first, second)
    ]


def test_a_receiver_need_not_be_told_what_is_resolved() -> None:
    manager = running(send_resolved=False)
    manager.post([alert(0, 30), alert(0, 900, host="b")], T)

    assert [(10, Reason.FIRST, "a+ b+"), (670, Reason.REPEAT, "b+")] == sent(
        manager.advance(T + 1500)
    )


@pytest.mark.parametrize(("version", "at"), [((0, 25), 150), ((0, 34), 141)])
def test_a_group_that_is_empty_ticks_on_until_the_clean_up(
    version: tuple[int, int], at: float
) -> None:
    manager = running(version=version, group_interval=20.0)
    manager.post([alert(0, 900)], T)
    manager.post([alert(0, 115)], T + 115)
    manager.post([alert(131, 900)], T + 131)

    assert (at, Reason.FIRST, "a+") == sent(manager.advance(T + 200))[-1]
