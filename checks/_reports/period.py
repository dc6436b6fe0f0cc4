"""What happened since the last report: alerts and runs. Used by `daily`.

The supervisor counts runs from its start, so each report leaves for the next how far it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from attrs import field, frozen

from checks._common.event_types import severity_order
from checks._kernel.proc_stat import Birth
from supervisor.api import AlertView, Context, Json, RunView

HEARTBEAT = ("supervisor", "Heartbeat", "")
"""It fires always, to say that the supervisor lives."""

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
    """An alert that fired `times` in the period and no longer does: the last time, in full."""

    alert: AlertView
    times: int


@frozen
class LastReport:
    """What one report leaves for the next. `process` is the supervisor that made it."""

    at: datetime | None = None
    process: str = ""
    counters: Mapping[str, tuple[int, int, int]] = field(factory=dict)


@frozen
class Period:
    """The time since the last report, if there was one; runs are counted from `counted_since`."""

    since: datetime | None
    counted_since: datetime
    firing: tuple[AlertView, ...]
    resolved: tuple[Resolved, ...]
    activities: tuple[Activity, ...]


def look_back(context: Context, birth: Birth) -> Period:
    """Return what happened since the last report, and remember this one."""
    now = context.now()
    memory = recall(context.state, now)
    alerts, runs = context.alerts(), context.runs()
    firing = [alert for alert in alerts if alert.state == "firing" and _key(alert) != HEARTBEAT]
    firing.sort(key=lambda alert: (severity_order(alert.event_type), alert.starts_at, _key(alert)))
    same_process = memory.process == birth.identity
    counters = memory.counters if same_process else {}
    period = Period(
        since=memory.at,
        counted_since=(memory.at if same_process else None) or now - timedelta(seconds=birth.age),
        firing=tuple(firing),
        resolved=tuple(_resolved(alerts, {_key(alert) for alert in firing}, memory.at)),
        activities=tuple(_activity(run, counters.get(run.module, (0, 0, 0))) for run in runs),
    )
    context.state.clear()
    context.state.update(_remembered(now, birth, runs))
    return period


def _key(alert: AlertView) -> Key:
    return alert.check, alert.alertname, alert.instance


def _end(alert: AlertView) -> datetime:
    return alert.ends_at or alert.starts_at


def _resolved(
    alerts: Iterable[AlertView], firing: set[Key], since: datetime | None
) -> Iterator[Resolved]:
    """Yield what no longer fires, what ended last first."""
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
        before = (0, 0, 0)  # counted anew, after a reload
    runs, failures, skipped = (now - then for now, then in zip(counted, before, strict=True))
    return Activity(run.module, runs, failures, skipped, run.last_result)


def _remembered(now: datetime, birth: Birth, runs: Iterable[RunView]) -> dict[str, Json]:
    return {
        "at": now.isoformat(),
        "process": birth.identity,
        "counters": {run.module: [run.runs, run.failures, run.skipped] for run in runs},
    }


def recall(state: Mapping[str, Any], now: datetime) -> LastReport:
    """Return what the last report left; nothing if it is not what this version writes."""
    try:
        at = datetime.fromisoformat(state["at"]).astimezone(now.tzinfo)
        counters = {
            str(module): (int(runs), int(failures), int(skipped))
            for module, (runs, failures, skipped) in state["counters"].items()
        }
        process = str(state["process"])
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return LastReport()
    # A time ahead: the clock was set back, and nothing is known of "since then".
    return LastReport(at, process, counters) if at <= now else LastReport()
