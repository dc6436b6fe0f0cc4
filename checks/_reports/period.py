"""What happened since the last daily report: alerts and runs.

The supervisor counts runs from its start. So each report leaves the counters for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from attrs import field, frozen

from checks._common.event_types import severity_order
from checks._common.plurals import counted
from checks._kernel.proc_stat import Birth
from supervisor.api import AlertView, Context, Json, RunView

HEARTBEAT = ("supervisor", "Heartbeat", "")
"""The key of the alert that always fires. It shows that the supervisor runs."""

Key: TypeAlias = tuple[str, str, str]
"""An alert's check, alertname and instance."""


@frozen
class Activity:
    """What one module did in the period."""

    module: str
    runs: int
    failures: int
    skipped: int
    last_result: str


@frozen
class Resolved:
    """An alert that fired in the period and no longer does."""

    alert: AlertView
    """The last time that it fired."""

    times: int
    """How often it fired."""


@frozen
class LastReport:
    """What one report leaves for the next."""

    at: datetime | None = None

    process: str = ""
    """The identity of the supervisor's process that made it."""

    counters: Mapping[str, tuple[int, int, int]] = field(factory=dict)
    """The runs, failures and skipped runs of each module."""


@frozen
class Period:
    """The time since the last report, and what happened in it."""

    since: datetime | None
    """When the last report was made. None if there was none."""

    counted_since: datetime
    """The time from which on runs are counted."""

    firing: tuple[AlertView, ...]
    resolved: tuple[Resolved, ...]
    activities: tuple[Activity, ...]

    not_looked: str = ""
    """Why it is not known whether all is well. Empty: it is known."""


def look_back(context: Context, birth: Birth) -> Period:
    """Return what happened since the last report, and write this one to the state."""
    now = context.now()
    last = recall(context.state, now)
    alerts, runs = context.alerts(), context.runs()
    true_now = (alert for alert in alerts if alert.state in ("firing", "held"))
    firing = [alert for alert in true_now if _key(alert) != HEARTBEAT]
    firing.sort(key=lambda alert: (severity_order(alert.event_type), alert.starts_at, _key(alert)))
    same_process = last.process == birth.identity
    counters = last.counters if same_process else {}
    period = Period(
        since=last.at,
        counted_since=(last.at if same_process else None) or now - timedelta(seconds=birth.age),
        firing=tuple(firing),
        resolved=tuple(_resolved(alerts, {_key(alert) for alert in firing}, last.at)),
        activities=tuple(_activity(run, counters.get(run.module, (0, 0, 0))) for run in runs),
        not_looked=_not_looked(runs, context.module),
    )
    context.state.clear()
    context.state.update(_remembered(now, birth, runs))
    return period


def _not_looked(runs: Iterable[RunView], own: str) -> str:
    """Return why it is not known whether all is well. This module itself looks at nothing."""
    enabled = [run for run in runs if run.enabled]
    others = [run for run in enabled if run.module != own]
    if enabled and not others:
        return "no other module is enabled"
    awaited = sum(run.awaited for run in others)
    have = "has" if awaited == 1 else "have"
    return f"{awaited} of {counted(len(enabled), 'module')} {have} not run" if awaited else ""


def _key(alert: AlertView) -> Key:
    return alert.check, alert.alertname, alert.instance


def _end(alert: AlertView) -> datetime:
    return alert.ends_at or alert.starts_at


def _resolved(
    alerts: Iterable[AlertView], firing: set[Key], since: datetime | None
) -> Iterator[Resolved]:
    """Yield the alerts that no longer fire. The one that ended last comes first."""
    ended: dict[Key, list[AlertView]] = {}
    for alert in sorted(alerts, key=_end, reverse=True):
        over = alert.state in ("resolved", "over") and (since is None or _end(alert) >= since)
        if over and _key(alert) not in firing:
            ended.setdefault(_key(alert), []).append(alert)
    for episodes in ended.values():
        yield Resolved(episodes[0], len(episodes))


def _activity(run: RunView, before: tuple[int, int, int]) -> Activity:
    counted = (run.runs, run.failures, run.skipped)
    if any(now < then for now, then in zip(counted, before, strict=True)):
        before = (0, 0, 0)  # a reload set the counters to 0
    runs, failures, skipped = (now - then for now, then in zip(counted, before, strict=True))
    return Activity(
        module=run.module,
        runs=runs,
        failures=failures,
        skipped=skipped,
        last_result=run.last_result,
    )


def _remembered(now: datetime, birth: Birth, runs: Iterable[RunView]) -> dict[str, Json]:
    return {
        "at": now.isoformat(),
        "process": birth.identity,
        "counters": {run.module: [run.runs, run.failures, run.skipped] for run in runs},
    }


def recall(state: Mapping[str, Any], now: datetime) -> LastReport:
    """Return what the last report left. A state of another form counts as none."""
    try:
        at = datetime.fromisoformat(state["at"]).astimezone(now.tzinfo)
        counters = {
            str(module): (int(runs), int(failures), int(skipped))
            for module, (runs, failures, skipped) in state["counters"].items()
        }
        process = str(state["process"])
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return LastReport()
    # When the time is ahead, the clock was set back. Then nothing is known of the time since.
    return LastReport(at, process, counters) if at <= now else LastReport()
