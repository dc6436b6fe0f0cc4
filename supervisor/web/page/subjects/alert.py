"""The page of one alert in words: why, since when, how often, and what to do."""

from __future__ import annotations

from supervisor.observations import Measurement
from supervisor.web.page.alert_rows import colour_of
from supervisor.web.page.page import Page
from supervisor.web.page.subjects.episodes import ended, episodes
from supervisor.web.page.subjects.module import measurement_rows, schedule
from supervisor.web.page.subjects.parameters import parameters
from supervisor.web.page.subjects.view import AlertView
from supervisor.web.page.verdict import Verdict, verdict


def values(shown: AlertView) -> dict[str, object]:
    """Return the values of the templates by their names."""
    page, module, last = Page(shown.view), shown.module, shown.last
    row = None if shown.row is None else page.alert_rows().row(shown.row)
    past = [alert for alert in ended(shown.view) if alert.fingerprint == shown.fingerprint]
    related: list[Measurement] = []
    if module is not None:
        related = [
            item for item in module.measured.last if last.instance in ("", *item.labels.values())
        ]
    return page.common() | {
        "root": "../",
        "back": True,
        "overall": verdict(shown.view.status),
        "verdict": _verdict(shown),
        "alerts": [row] if row else [],
        "more_alerts": 0,
        "resolved": [],
        "key": shown.fingerprint,
        "detailed": last.payload.has_annotation("detail"),
        "labels": sorted(last.payload.labels.items()),
        "measured": measurement_rows(related, module.measured) if module else [],
        "more_measured": 0,
        "measured_at": None
        if module is None or module.measured.at is None
        else page.moments.at(module.measured.at),
        "output": "",
        "schedule": schedule(module.module) if module else [],
        "parameters": parameters(module.module.params) if module else [],
        "commands": [],
        "module_name": module.module.name if module else "",
        "episodes": episodes(past, page.moments),
    }


def _verdict(shown: AlertView) -> Verdict:
    last = shown.last
    name = f"{last.alertname} {last.instance}".strip()
    state = "no longer known to fire" if shown.row is None else shown.row["state"]
    colour = colour_of(last.event_type) if state in ("firing", "quarantined") else "grey"
    if state == "resolved":
        colour = "green"
    return Verdict(name, colour, (state,))
