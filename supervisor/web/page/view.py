"""What the page shows, as it is at one moment.

`gather` runs in the event loop and is cheap. `page` puts it into words, in a thread.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from attrs import frozen

from supervisor.alerts.alert import Alert, State
from supervisor.control.snapshot import Snapshot
from supervisor.control.socket_client import JsonObject
from supervisor.ledger.store import Store
from supervisor.stats.recent_runs import RecentRuns

MAX_REPORTS = 20
"""Reports that are shown."""

MAX_MODULES = 200
"""Modules that are shown. Those that fail come first if there are more."""

FAILING = ("failed", "timeout")
"""The results of a run that failed."""


@frozen
class View:
    """What the page shows."""

    now: float
    """Unix seconds."""

    status: JsonObject
    """The document of `status --json`."""

    modules: tuple[JsonObject, ...]
    """The modules that are shown."""

    recent: Mapping[str, RecentRuns]
    """The last runs of each of these modules."""

    reports: tuple[Alert, ...]
    """The last reports, the newest first."""

    alerts: Mapping[str, Alert]
    """The present alerts by their fingerprints."""

    past: tuple[Alert, ...]
    """Past alerts, in the order in which they ended."""

    about: About
    """The supervisor itself."""


@frozen
class About:
    """The supervisor itself, for the foot of the page."""

    started: float
    """When it was started, in Unix seconds. What was before is not known."""

    loaded: float
    """When it last read the service file."""

    path: str
    """The service file."""

    service: str
    """The name of that file, which commands take as `--service`."""


@frozen
class Mail:
    """An alert as it is mailed."""

    title: str
    detail: str
    """HTML; may be empty."""

    message: str
    """Plain text, which is mailed without a detail."""


async def gather(snapshot: Snapshot) -> View:
    """Return the view of now."""
    status = await snapshot.status()
    shown = status["modules"]
    if len(shown) > MAX_MODULES:
        shown = sorted(shown, key=lambda module: module["last_result"] not in FAILING)
    shown = shown[:MAX_MODULES]
    stats, store = snapshot.stats, snapshot.store
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
            heapq.nlargest(MAX_REPORTS, _reports(store), key=lambda alert: alert.starts_at)
        ),
        alerts=dict(store.alerts),
        past=tuple(store.history.values()),
        about=about(snapshot),
    )


def about(snapshot: Snapshot) -> About:
    """Return what the page says about the supervisor."""
    config = snapshot.store.config
    path = config.service.path
    return About(
        started=snapshot.started,
        loaded=max(config.loaded, snapshot.started),
        path=str(path),
        service=path.stem,
    )


def mailed(store: Store, fingerprint: str) -> Mail | None:
    """Return the mail of a current or past alert, or None if the alert is not known."""
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
