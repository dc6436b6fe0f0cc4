"""Conditions that tell of past events: a peer notifies of each of them."""

from __future__ import annotations

from typing import ClassVar

import pytest
from attrs import evolve, frozen

from supervisor.alerts.alert import State
from supervisor.config.service import Alertmanager, Module
from supervisor.observations import Condition, Duration
from tests.support.ledger_bench import A, LedgerBench, moment, service_of

MIN_VISIBLE = 360.0


@frozen
class Params:
    past_events: ClassVar[frozenset[str]] = frozenset({"Log lines"})


LOG = Module("log_pattern", "log", every=Duration(3), params=Params())
LINE = Condition("Log lines", "W", "app", "lost-1")
MISSING = Condition("Log file missing", "E", "app", "it is missing")


@pytest.fixture
def bench() -> LedgerBench:
    return LedgerBench(service_of(LOG))


def states(bench: LedgerBench) -> list[tuple[str, State]]:
    return [(alert.alertname, alert.state) for alert in bench.store.alerts.values()]


def messages(posted: list[dict[str, dict[str, str]]]) -> list[tuple[str, str]]:
    return [(each["labels"].get("episode", ""), each["annotations"]["message"]) for each in posted]


def test_an_event_that_a_peer_took_is_held_for_min_visible(bench: LedgerBench) -> None:
    bench.see(LINE)
    bench.deliver()
    bench.pass_time(3)
    bench.see()
    (held,) = bench.deliver()

    assert states(bench) == [("Log lines", State.OVER)]
    assert held["endsAt"] == moment(bench.now + 240)

    for seconds in (60, 60, 60, 60, 60, MIN_VISIBLE - 304):
        bench.pass_time(seconds)
        bench.deliver()
        bench.housekeep()
    assert states(bench) == [("Log lines", State.OVER)]

    bench.pass_time(1)
    bench.housekeep()
    (resolved,) = bench.deliver()
    assert resolved["endsAt"] == moment(bench.now)


def test_another_condition_of_the_same_check_is_resolved_at_once(bench: LedgerBench) -> None:
    bench.see(MISSING)
    bench.deliver()
    bench.pass_time(3)
    bench.see()

    assert states(bench) == [("Log file missing", State.RESOLVED)]


def test_an_event_that_was_seen_long_enough_is_resolved_at_once(bench: LedgerBench) -> None:
    bench.see(LINE)
    for _ in range(7):
        bench.deliver()
        bench.pass_time(60)
        bench.see(LINE)
    bench.see()

    assert states(bench) == [("Log lines", State.RESOLVED)]


def test_the_next_event_is_an_alert_of_its_own_while_the_last_one_is_held(
    bench: LedgerBench,
) -> None:
    for number in (1, 2, 3):
        bench.see(evolve(LINE, message=f"lost-{number}"))
        episode = "" if number == 1 else f"{number}"
        assert (episode, f"lost-{number}") in messages(bench.deliver())
        bench.pass_time(3)
        bench.see()
        bench.deliver()
        bench.pass_time(3)

    assert states(bench) == 3 * [("Log lines", State.OVER)]


def test_the_next_event_is_an_alert_of_its_own_until_the_end_of_the_last_was_notified(
    bench: LedgerBench,
) -> None:
    bench.see(LINE)
    bench.deliver()
    bench.see()
    for _ in range(7):
        bench.deliver()
        bench.pass_time(60)
    bench.housekeep()
    bench.deliver()
    assert states(bench) == [("Log lines", State.RESOLVED)]

    bench.pass_time(MIN_VISIBLE - 1)
    bench.see(LINE)
    assert ("2", "lost-1") in messages(bench.deliver())

    bench.see()
    bench.pass_time(1)
    bench.see(LINE)
    assert ("", "lost-1") in messages(bench.deliver())


def test_events_of_an_outage_are_one_alert_with_all_messages(bench: LedgerBench) -> None:
    for number in (1, 2):
        bench.see(evolve(LINE, message=f"lost-{number}"))
        bench.see()
    bench.see(evolve(LINE, message="lost-3"))

    assert messages(bench.deliver()) == [("", "lost-1\nlost-2\nlost-3")]


def test_events_of_runs_in_a_row_keep_all_messages_until_they_are_notified(
    bench: LedgerBench,
) -> None:
    for number in (1, 2):
        bench.see(evolve(LINE, message=f"lost-{number}"))
        bench.deliver()
        bench.pass_time(3)
    bench.see(evolve(LINE, message="lost-2"))

    assert bench.deliver() == []
    assert next(iter(bench.store.alerts.values())).payload.annotations["message"] == (
        "lost-1\nlost-2"
    )


def test_a_log_that_repeats_itself_does_not_fill_the_peers(bench: LedgerBench) -> None:
    for _ in range(60):
        bench.see(LINE)
        bench.deliver()
        bench.see()
        bench.deliver()
        bench.pass_time(3)

    assert len(bench.store.alerts) == 20


def test_nothing_is_held_for_the_console() -> None:
    bench = LedgerBench(evolve(service_of(LOG), alertmanager=Alertmanager()))
    bench.see(LINE)
    bench.deliver("console")
    bench.see()

    assert states(bench) == [("Log lines", State.RESOLVED)]


def test_an_event_is_let_go_when_its_module_is_gone(bench: LedgerBench) -> None:
    bench.see(LINE)
    bench.deliver(A)
    bench.work(lambda update: update.lifecycle.clear("log", ("Log lines", "app")))

    assert states(bench) == [("Log lines", State.RESOLVED)]
