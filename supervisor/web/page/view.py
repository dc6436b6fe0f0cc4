"""What the page shows, taken from the running supervisor in a moment.

Gathered in the loop, cheaply; worded and laid out by `page`, in a thread.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from supervisor.alerts.alert import Alert, State
from supervisor.control.snapshot import Snapshot
from supervisor.ledger.store import Store
from supervisor.stats.recent_runs import RecentRuns

MOST_REPORTS = 20
MOST_MODULES = 200
FAILING = ("failed", "timeout")


@frozen
class View:
    """The status document, the modules that are shown, the last runs of each, the last reports.

    `now` are Unix seconds. When there are too many modules, those that fail come first; the
    newest report comes first.
    """

    now: float
    status: Mapping[str, Any]
    modules: tuple[Mapping[str, Any], ...]
    recent: Mapping[str, RecentRuns]
    reports: tuple[Alert, ...]


@frozen
class Mail:
    """An alert as it is mailed: its `detail`, which is HTML, or else its message."""

    title: str
    detail: str
    message: str


async def gather(snapshot: Snapshot) -> View:
    """Return what there is to see now."""
    status = await snapshot.status()
    shown = status["modules"]
    if len(shown) > MOST_MODULES:
        shown = sorted(shown, key=lambda module: module["last_result"] not in FAILING)
    shown = shown[:MOST_MODULES]
    stats = snapshot.stats
    return View(
        now=snapshot.clock.now(),
        status=status,
        modules=tuple(shown),
        recent={
            module["name"]: stats[module["name"]].recent.copy()
            for module in shown
            if module["name"] in stats
        },
        reports=tuple(
            heapq.nlargest(
                MOST_REPORTS, _reports(snapshot.store), key=lambda alert: alert.starts_at
            )
        ),
    )


def mailed(store: Store, fingerprint: str) -> Mail | None:
    """Return what a mail would hold of an alert of now or of the past."""
    found = store.alerts.get(fingerprint)
    if found is None:
        past = (alert for alert in store.history.values() if alert.fingerprint == fingerprint)
        found = max(past, key=lambda alert: alert.starts_at, default=None)
    if found is None:
        return None
    notes = found.payload.annotations
    return Mail(found.alertname, notes.get("detail", ""), notes.get("message", ""))


def _reports(store: Store) -> Iterator[Alert]:
    for alerts in (store.alerts, store.history):
        yield from (alert for alert in alerts.values() if alert.state is State.REPORT)
