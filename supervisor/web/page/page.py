"""The values of the page's templates. Called in a thread, with a view that nothing else changes."""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from pathlib import Path

from attrs import define, field

from supervisor.alerts.alert import Alert
from supervisor.config.timezone import zone_of_key
from supervisor.control.fallback import in_words
from supervisor.control.socket_client import JsonObject
from supervisor.observations import RESULT_WORDS
from supervisor.text import data_size
from supervisor.web.page import drawing
from supervisor.web.page.alert_rows import AlertRows, colour_of, kind_of, short_url, worst_first
from supervisor.web.page.durations import Moments, brief, span
from supervisor.web.page.figures import figure
from supervisor.web.page.rows import ModuleRow, PeerRow, ReportRow
from supervisor.web.page.verdict import verdict
from supervisor.web.page.view import View

MAX_ALERTS = 500
"""Rows of alerts. The page says how many more there are."""

MAX_MEASUREMENTS = 3
"""Measurements of a module. The page says how many more there are."""

MAX_UNFOLDED = 12
"""With more modules than this, those that are well are folded."""

UNFOLDED_REPORTS = 5
"""The newest reports, which are shown without a click."""

TIMELINE_STEP = 30
"""Seconds: the timeline moves on in steps of this."""

RANKS = {"failed": 0, "timeout": 0, "conditions": 1, "none": 2, "ok": 3}
"""The order of modules, by style."""

CODE = Path(__file__).resolve().parents[3]
"""The directory with the package `supervisor`."""


@define
class Page:
    """A view in words."""

    view: View
    moments: Moments = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.moments = Moments.of(self.view.now, zone_of_key(self.view.status["timezone"]))

    def values(self) -> dict[str, object]:
        """Return the values by their names in the templates."""
        status = self.view.status
        rows = self.alert_rows()
        alerts = worst_first(alert for alert in status["alerts"] if alert["state"] != "report")
        current = [alert for alert in alerts if alert["state"] != "resolved"]
        resolved = [alert for alert in alerts if alert["state"] == "resolved"]
        end = (int(self.view.now) // TIMELINE_STEP + 1) * TIMELINE_STEP
        modules = sorted(
            (self.module(module, end) for module in self.view.modules), key=lambda row: row.rank
        )
        quiet = [row for row in modules if row.is_quiet and len(modules) > MAX_UNFOLDED]
        return self.common() | {
            "verdict": verdict(status),
            "alerts": [rows.row(alert) for alert in current[:MAX_ALERTS]],
            "more_alerts": max(0, len(current) - MAX_ALERTS),
            "resolved": [rows.row(alert) for alert in resolved[:MAX_ALERTS]],
            "modules": modules,
            "loud": modules[: len(modules) - len(quiet)],
            "quiet": quiet,
            "quiet_words": quiet_words(quiet),
            "more_modules": len(status["modules"]) - len(self.view.modules),
            "hours": [self.moments.at(at) for at in drawing.quarters(end)],
            "peers": [self._peer(peer) for peer in status["peers"]],
            "fallback": self._fallback(status),
            "unfolded_reports": UNFOLDED_REPORTS,
            "reports": [self._report(alert) for alert in self.view.reports],
        }

    def common(self) -> dict[str, object]:
        """Return the values that every page has."""
        status, about = self.view.status, self.view.about
        return {
            "root": "",
            "back": False,
            "status": status,
            "now": self.moments.read(status["now"]),
            "started": span(status["uptime_seconds"]),
            "about": about,
            "loaded": self.moments.at(about.loaded),
            "ledger": data_size(status["ledger"]["bytes"]),
            "docs": docs(),
        }

    def alert_rows(self) -> AlertRows:
        """Return what makes the rows of alerts."""
        view = self.view
        return AlertRows(
            now=view.now,
            moments=self.moments,
            status=view.status,
            known=view.alerts,
            past=view.past,
            program=program(view.about.service),
        )

    def module(self, module: JsonObject, end: float) -> ModuleRow:
        """Return the row of a module. `end` is the end of the timeline in Unix seconds."""
        result, style = RESULT_WORDS[module["last_result"]], module["last_result"] or "none"
        rank = RANKS[style]
        if module["state"] == "disabled":
            result, style, rank = "disabled", "none", len(RANKS)
        runs = [*self.view.recent.get(module["name"], ())]
        measured = module["measurements"]
        return ModuleRow(
            name=module["name"],
            check=module["check"],
            state=module["state"],
            result=result,
            style=style,
            took="" if module["last_seconds"] is None else brief(module["last_seconds"]),
            last=self.moments.read(module["last_run"]),
            next=self.moments.read(module["next_run"]),
            runs=module["runs"],
            failures=module["failures"],
            skipped=module["skipped"],
            measured=(
                *(measurement(item) for item in measured[:MAX_MEASUREMENTS]),
                *_others(len(measured) - MAX_MEASUREMENTS),
            ),
            rank=rank,
            bars=drawing.bars(runs),
            lane=drawing.lane(runs, end, self.view.about.started),
        )

    def _peer(self, peer: JsonObject) -> PeerRow:
        words = {"ok": "reachable", "retrying": "not reached", "misconfigured": "refuses alerts"}
        skew = peer["clock_skew_seconds"]
        return PeerRow(
            url=peer["url"],
            short=short_url(peer["url"]),
            state=words[peer["state"]],
            style="ok" if peer["state"] == "ok" else "failed",
            version=peer["version"],
            pending=peer["pending"],
            oldest=span(peer["oldest_pending_seconds"]) if peer["pending"] else "",
            sent=peer["sent"],
            success=self.moments.read(peer["last_success"]),
            skew=f"{skew:+.0f} s" if abs(skew) >= 1 else "",
            error=peer["error"],
        )

    def _fallback(self, status: JsonObject) -> tuple[str, ...]:
        """Return what is said of the fallback. Empty without one."""
        fallback = status.get("fallback")
        return tuple(in_words(fallback, self._clock)) if fallback else ()

    def _clock(self, text: str | None) -> str:
        moment = self.moments.read(text)
        return moment.text if moment else ""

    def _report(self, alert: Alert) -> ReportRow:
        return ReportRow(
            key=alert.fingerprint,
            colour=colour_of(alert.event_type),
            event_type=alert.event_type,
            kind=kind_of(alert),
            alertname=alert.alertname,
            message=alert.payload.annotations.get("message", ""),
            at=self.moments.at(alert.starts_at),
        )


def quiet_words(rows: list[ModuleRow]) -> str:
    """Return how many modules are well: "48 ok, 2 disabled"."""
    counts = Counter(row.result for row in rows)
    return ", ".join(f"{count:,} {result}" for result, count in counts.items())


def _others(count: int) -> tuple[str, ...]:
    return (f"and {count:,} more",) if count > 0 else ()


def measurement(item: JsonObject) -> str:
    """Return a measurement: "disk_use_percent / 41 %"."""
    value = figure(item["value"], item["unit"])
    return " ".join(filter(None, (item["name"], *item["labels"].values(), value)))


def program(service: str) -> tuple[str, ...]:
    """Return our program and its service, as a person types them on this host."""
    is_installed = docs() != str(CODE / "docs")  # else it is a copy of the project
    name = "alertmanager-supervisor" if is_installed else "scripts/run"
    return name, "--service", service


@cache
def docs() -> str:
    """Return the directory of the documents, or an empty text if there is none."""
    return documents(CODE, Path(sys.prefix))


def documents(code: Path, prefix: Path) -> str:
    """Return the documents of this code, which runs in the virtual environment `prefix`.

    A wheel has them in the environment, a copy of the project beside `supervisor/`, and a release
    of `scripts/install` one directory above.
    """
    shipped = prefix / "share" / "alertmanager-supervisor" / "docs"
    found = (str(path) for path in (shipped, code / "docs", code.parent / "docs") if path.is_dir())
    return next(found, "")
