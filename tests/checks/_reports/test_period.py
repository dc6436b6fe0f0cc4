"""What happened since the last report: alerts, runs, and what one report leaves for the next."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from checks._kernel.proc_stat import Birth
from checks._reports.daily_alerts import firing_row
from checks._reports.period import Activity, Resolved, look_back, recall
from supervisor.api import AlertView, RunView
from supervisor.config.service import Maintenance
from supervisor.modules.context_factory import ContextFactory
from tests.support.daily_report import MORNING, NOW, alert, context, later
from tests.support.ledger_bench import DISK, FULL, LedgerBench, service_of
from tests.support.virtual_clock import FrozenClock

BIRTH = Birth("boot/7/1", 3600.0)


def views(*alerts: AlertView, runs: tuple[RunView, ...] = ()) -> dict[str, Any]:
    return {"list_alerts": lambda: alerts, "list_runs": lambda: runs}


def ran(runs: int, failures: int = 0) -> RunView:
    return RunView("disk", runs, failures, 0, NOW, "ok")


def test_each_report_begins_where_the_last_one_ended() -> None:
    first = context(MORNING, **views(runs=(ran(10, 1),)))
    look_back(first, BIRTH)
    second = context(NOW, state=first.state, **views(runs=(ran(25, 1),)))
    period = look_back(second, BIRTH)

    assert period.since == period.counted_since == MORNING
    assert period.activities == (Activity("disk", 15, 0, 0, "ok"),)


def test_runs_are_counted_from_the_start_of_this_process() -> None:
    first = context(MORNING, **views(runs=(ran(10),)))
    look_back(first, BIRTH)
    second = context(NOW, state=first.state, **views(runs=(ran(4),)))
    period = look_back(second, Birth("boot/8/1", 1800.0))

    assert period.since == MORNING
    assert period.counted_since == later(-0.5)
    assert period.activities == (Activity("disk", 4, 0, 0, "ok"),)


def test_alerts_that_ended_are_listed_once_with_the_latest_end_first() -> None:
    first = context(MORNING)
    look_back(first, BIRTH)
    old = alert("Old", state="resolved", began=later(-30), ended=later(-20))
    twice = [
        alert("Twice", state="resolved", began=later(-hours), ended=later(-hours + 0.5))
        for hours in (6, 3)
    ]
    newest = alert("Newest", state="over", began=later(-30), ended=later(-1))
    again = alert("Again", state="resolved", began=later(-5), ended=later(-4))
    fires = alert("Again", began=later(-2))
    second = context(NOW, state=first.state, **views(old, *twice, newest, again, fires))
    period = look_back(second, BIRTH)

    assert period.firing == (fires,)
    assert period.resolved == (Resolved(newest, 1), Resolved(twice[1], 2))


def test_the_most_severe_alert_comes_first_and_the_heartbeat_never() -> None:
    kinds = [alert(kind, kind) for kind in ("I", "W", "X", "E", "S", "TE")]
    beat = alert("Heartbeat", "I", check="supervisor")
    period = look_back(context(NOW, **views(*kinds, beat)), BIRTH)

    assert [each.event_type for each in period.firing] == ["TE", "E", "W", "I", "S", "X"]


def test_what_a_window_holds_or_has_held_is_in_the_report() -> None:
    window = Maintenance("reboot", ("Mon 22:40-23:00",))
    bench = LedgerBench(service_of(maintenance=(window,)))
    bench.see(FULL, evolve(FULL, instance="/var"))
    bench.pass_time(60)
    bench.see(FULL)
    views_of = ContextFactory(FrozenClock(bench.now), bench.store).context(DISK)

    period = look_back(views_of, BIRTH)

    assert [each.instance for each in period.firing] == ["/"]
    assert [each.alert.instance for each in period.resolved] == ["/var"]
    assert firing_row(period.firing[0], views_of.now()).note.startswith("held, since ")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"at": 5},
        {"at": "2026-11-23T09:00:00+09:00", "process": "p", "counters": {"a": [1, 2]}},
        {"at": "9999-12-31T23:59:59-23:00", "process": "p", "counters": {}},
        {"at": later(1).isoformat(), "process": "p", "counters": {}},  # the clock was set back
    ],
)
def test_a_malformed_state_is_ignored(state: dict[str, Any]) -> None:
    assert recall(state, NOW).at is None


def test_an_alert_that_came_and_went_hours_ago_is_listed() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.stay(60)
    bench.see()
    bench.stay(6 * 3600)
    assert not bench.store.alerts
    context_factory = ContextFactory(FrozenClock(bench.now), bench.store)
    period = look_back(context_factory.context(DISK), BIRTH)

    (resolved,) = period.resolved
    assert (resolved.alert.alertname, resolved.alert.instance) == ("Disk usage", "/")


def not_looked(*runs: RunView) -> str:
    return look_back(context(**views(runs=runs)), BIRTH).not_looked


def test_modules_that_have_not_run_are_counted() -> None:
    itself = RunView("daily", 0, 0, 0, None, "")
    ran_now, never = ran(1), RunView("inode", 0, 0, 0, None, "")
    off = RunView("off", 0, 0, 0, None, "", enabled=False)
    ran_before = RunView("nightly", 0, 0, 0, None, "", awaited=False)

    assert not_looked(itself, ran_now, never, off) == "1 of 3 modules has not run"
    assert not_looked(itself, never, never) == "2 of 3 modules have not run"
    assert not_looked(itself, ran_now, ran_before) == ""
    assert not_looked(itself, off) == "no other module is enabled"


def test_a_run_outside_the_supervisor_knows_of_no_other_run() -> None:
    service = service_of(DISK, evolve(DISK, name="off", enabled=False))
    factory = ContextFactory.without_past(FrozenClock(NOW.timestamp()), service)
    made = factory.context(evolve(DISK, name="daily"))

    assert [(run.module, run.enabled, run.awaited) for run in made.runs()] == [
        ("disk", True, True),
        ("off", False, False),
    ]
    assert look_back(made, BIRTH).not_looked == "1 of 1 module has not run"
