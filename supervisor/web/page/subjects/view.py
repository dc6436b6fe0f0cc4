"""What the page of one module or of one alert shows, as it is at one moment.

Gathered in the event loop. `module` and `alert` put it into words, in a thread.
"""

from __future__ import annotations

from attrs import frozen

from supervisor.alerts.alert import Alert
from supervisor.config.service import Module
from supervisor.control.snapshot import Snapshot
from supervisor.control.socket_client import JsonObject
from supervisor.observations import Measurement
from supervisor.stats.recent_runs import RecentRuns
from supervisor.stats.recent_values import RecentValues
from supervisor.web.page.view import View, gather


@frozen
class Measured:
    """What a module has measured."""

    last: tuple[Measurement, ...]
    """Of the last run that did not fail."""

    values: RecentValues
    """The values of the last runs."""

    at: float | None
    """When the last run that did not fail began, in Unix seconds."""


@frozen
class ModuleView:
    """What the page of a module shows."""

    view: View
    row: JsonObject
    """The module in the status document."""

    module: Module
    """As it is configured."""

    measured: Measured
    recent: RecentRuns
    """Its last runs."""

    output: str
    """What its last run has shown."""


@frozen
class AlertView:
    """What the page of an alert shows."""

    view: View
    fingerprint: str
    row: JsonObject | None
    """The alert in the status document. None if it is past."""

    last: Alert
    """The alert, or its last episode."""

    module: ModuleView | None
    """The module that saw it. None if there is none of this name."""


async def gather_module(snapshot: Snapshot, name: str) -> ModuleView | None:
    """Return the view of a module, None if there is none of this name."""
    if name not in snapshot.stats:
        return None
    return _module(snapshot, await gather(snapshot), name)


async def gather_alert(snapshot: Snapshot, fingerprint: str) -> AlertView | None:
    """Return the view of a present or past alert, None if it is not known."""
    store = snapshot.store
    if fingerprint not in store.alerts and not any(
        alert.fingerprint == fingerprint for alert in store.history.values()
    ):
        return None
    view = await gather(snapshot)
    past = [alert for alert in view.past if alert.fingerprint == fingerprint]
    last = view.alerts.get(fingerprint) or (past[-1] if past else None)
    if last is None:
        return None
    rows = (row for row in view.status["alerts"] if row["fingerprint"] == fingerprint)
    return AlertView(
        view=view,
        fingerprint=fingerprint,
        row=next(rows, None),
        last=last,
        module=_module(snapshot, view, last.module),
    )


def _module(snapshot: Snapshot, view: View, name: str) -> ModuleView | None:
    stats = snapshot.stats.get(name)
    modules = (module for module in snapshot.store.service.modules if module.name == name)
    rows = (row for row in view.status["modules"] if row["name"] == name)
    module, row = next(modules, None), next(rows, None)
    if stats is None or module is None or row is None:
        return None
    values = RecentValues() if stats.values is None else stats.values.copy()
    return ModuleView(
        view=view,
        row=row,
        module=module,
        measured=Measured(stats.measurements, values, stats.last_success),
        recent=stats.recent.copy(),
        output=stats.output,
    )
