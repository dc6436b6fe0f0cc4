"""What is kept of alerts that are over."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.ledger.retention import LONGEST_BODY, MOST
from supervisor.observations import Condition
from tests.support.ledger_bench import FULL, HELLO, Desk, service_of


def test_a_resolved_alert_is_kept_once_no_peer_need_hear_of_it() -> None:
    desk = Desk()
    desk.see(FULL)
    began = desk.now
    desk.deliver()
    desk.pass_time(60)
    desk.see()
    resolved = desk.only()
    desk.stay(1200)

    assert desk.book.alerts == {}
    assert [*desk.book.history.values()] == [resolved]
    assert (resolved.state, resolved.starts_at) == (State.RESOLVED, began)
    assert resolved.ends_at == began + 60


def test_an_alert_that_fires_again_leaves_its_past_behind() -> None:
    desk = Desk()
    for _ in range(3):
        desk.see(FULL)
        desk.stay(400)
        desk.see()
        desk.stay(20)

    past = desk.book.history.values()
    assert [State.RESOLVED] * 2 == [alert.state for alert in past]
    assert [1, 2] == [alert.episode for alert in past]
    assert 3 == desk.only().episode


def test_a_report_is_kept_with_its_detail_unless_that_is_long() -> None:
    desk = Desk()
    desk.see(HELLO, evolve(HELLO, alertname="Long", detail="x" * LONGEST_BODY))
    desk.stay(1900)

    short, long = sorted(desk.book.history.values(), key=lambda alert: alert.alertname)
    assert b"<b>hello</b>" in short.body
    assert b"hello" in long.body
    assert len(long.body) < 500


def test_only_the_last_are_kept() -> None:
    desk = Desk(service_of(max_ledger=10_000_000))
    for first in (0, 150):
        desk.see(*(Condition("A", "W", f"i{n:03}", "m") for n in range(first, first + 150)))
        desk.stay(400)
    desk.see()
    desk.stay(1200)

    kept = [alert.instance for alert in desk.book.history.values()]
    assert MOST == len(kept)
    assert {f"i{n:03}" for n in range(150, 300)} <= {*kept}


def test_a_restart_forgets_nothing_of_it() -> None:
    desk = Desk()
    desk.see(HELLO)
    desk.stay(1900)
    before = dict(desk.book.history)
    desk.restart(desk.service)
    desk.see(HELLO)
    desk.stay(1900)

    assert [1, 2] == [*desk.book.history]
    assert before.items() < desk.book.history.items()
