"""The values of the page's templates. Called in a thread, with a view that nothing else changes."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from attrs import define, field

from supervisor.alerts.alert import Alert
from supervisor.config.timezone import zone_of_key
from supervisor.control.socket_client import JsonObject
from supervisor.observations import RESULT_WORDS
from supervisor.web.page import drawing
from supervisor.web.page.durations import brief, minutes, span
from supervisor.web.page.rows import AlertRow, Delivery, ModuleRow, PeerRow, ReportRow, Time
from supervisor.web.page.verdict import COLOURS, verdict
from supervisor.web.page.view import View

MAX_ALERTS = 500
"""Rows of alerts. The page says how many more there are."""

MAX_MEASUREMENTS = 3
"""Measurements of a module. The page says how many more there are."""

TIMELINE_STEP = 30
"""Seconds: the timeline moves on in steps of this."""

RANKS = {"firing": 0, "quarantined": 1, "pending": 2, "resolved": 3}
"""The order of alerts, by state."""


@define
class Page:
    """A view in words."""

    view: View
    _zone: ZoneInfo = field(init=False)
    _today: date = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._zone = zone_of_key(self.view.status["timezone"])
        self._today = datetime.fromtimestamp(self.view.now, self._zone).date()

    def values(self) -> dict[str, object]:
        """Return the values by their names in the templates."""
        status = self.view.status
        alerts = [alert for alert in status["alerts"] if alert["state"] != "report"]
        alerts.sort(key=lambda alert: (RANKS[alert["state"]], alert["starts_at"] or "~"))
        current = [alert for alert in alerts if alert["state"] != "resolved"]
        end = (int(self.view.now) // TIMELINE_STEP + 1) * TIMELINE_STEP
        return {
            "status": status,
            "verdict": verdict(status),
            "now": self._time(status["now"]),
            "started": span(status["uptime_seconds"]),
            "alerts": [self._alert(alert) for alert in current[:MAX_ALERTS]],
            "more_alerts": max(0, len(current) - MAX_ALERTS),
            "resolved": [self._alert(alert) for alert in alerts if alert["state"] == "resolved"][
                :MAX_ALERTS
            ],
            "modules": [self._module(module, end) for module in self.view.modules],
            "more_modules": len(status["modules"]) - len(self.view.modules),
            "hours": [
                self._moment(end - drawing.LANE_SECONDS * part / 4) for part in (4, 3, 2, 1, 0)
            ],
            "peers": [self._peer(peer) for peer in status["peers"]],
            "reports": [self._report(alert) for alert in self.view.reports],
        }

    def _alert(self, alert: JsonObject) -> AlertRow:
        return AlertRow(
            key=alert["fingerprint"],
            state=alert["state"],
            colour=COLOURS.get(alert["event_type"], "red"),
            event_type=alert["event_type"],
            alertname=alert["alertname"],
            instance=alert["instance"],
            message=alert["message"],
            module=alert["check"],
            since=self._time(alert["starts_at"]),
            lasting=self._lasting(alert),
            peers=tuple(
                Delivery(short_url(url), state == "delivered")
                for url, state in alert["peers"].items()
            ),
            detailed=alert["detailed"],
        )

    def _lasting(self, alert: JsonObject) -> str:
        if alert["starts_at"] is None:
            return ""
        end = self.view.now
        if alert["state"] == "resolved":
            end = datetime.fromisoformat(alert["ends_at"]).timestamp()
        return minutes(end - datetime.fromisoformat(alert["starts_at"]).timestamp())

    def _module(self, module: JsonObject, end: float) -> ModuleRow:
        result, style = RESULT_WORDS[module["last_result"]], module["last_result"] or "none"
        if module["state"] == "disabled":
            result, style = "disabled", "none"
        runs = [*self.view.recent.get(module["name"], ())]
        measured = module["measurements"]
        return ModuleRow(
            name=module["name"],
            check=module["check"],
            state=module["state"],
            result=result,
            style=style,
            took="" if module["last_seconds"] is None else brief(module["last_seconds"]),
            last=self._time(module["last_run"]),
            next=self._time(module["next_run"]),
            runs=module["runs"],
            failures=module["failures"],
            skipped=module["skipped"],
            measured=(
                *(measurement(item) for item in measured[:MAX_MEASUREMENTS]),
                *_others(len(measured) - MAX_MEASUREMENTS),
            ),
            bars=drawing.bars(runs),
            lane=drawing.lane(runs, end),
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
            success=self._time(peer["last_success"]),
            skew=f"{skew:+.0f} s" if abs(skew) >= 1 else "",
            error=peer["error"],
        )

    def _report(self, alert: Alert) -> ReportRow:
        notes = alert.payload.annotations
        return ReportRow(
            key=alert.fingerprint,
            colour=COLOURS.get(alert.event_type, "red"),
            event_type=alert.event_type,
            alertname=alert.alertname,
            message=notes.get("message", ""),
            at=self._moment(alert.starts_at),
        )

    def _time(self, text: str | None) -> Time | None:
        return None if text is None else self._moment(datetime.fromisoformat(text).timestamp())

    def _moment(self, seconds: float) -> Time:
        when = datetime.fromtimestamp(seconds, self._zone)
        text = f"{when:%H:%M:%S}" if when.date() == self._today else f"{when.day} {when:%b %H:%M}"
        return Time(text, when.isoformat(timespec="seconds"))


def _others(count: int) -> tuple[str, ...]:
    return (f"and {count:,} more",) if count > 0 else ()


def measurement(item: JsonObject) -> str:
    """Return a measurement: "disk_use_percent / 41 %"."""
    value = item["value"]
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return " ".join(filter(None, (item["name"], *item["labels"].values(), number, item["unit"])))


def short_url(url: str) -> str:
    """Return a peer's address, and its path if it has one."""
    parts = urlsplit(url)
    return parts.netloc + parts.path if parts.netloc else url
