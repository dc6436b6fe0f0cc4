"""The command `status`: show the state of the running supervisor as tables, or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from supervisor.commands.options import add_state_dir, ask_supervisor
from supervisor.commands.tables import make_console, make_table
from supervisor.config.timezone import zone_of_key
from supervisor.control.socket_client import JsonObject
from supervisor.observations import RESULT_WORDS
from supervisor.text import not_looked, seconds

REFRESH_INTERVAL = 1.0
"""Seconds between two requests of `--watch`."""

MAX_ALERTS = 50
"""Alerts that are shown."""

_RESULTS = {"ok": "green", "conditions": "yellow", None: "dim"}
"""The style of each result. All others are bold red."""

_TYPES = {"W": "yellow", "I": "cyan", "S": "cyan", "": "dim"}
"""The style of each event type. All others are red."""

_STATES = {"firing": 0, "quarantined": 1, "pending": 2, "report": 3, "resolved": 4}
"""The order of alerts, by state."""


EXAMPLES = (
    ("status --service Shop", "modules, alerts and peers"),
    ("status --service Shop --watch", "the same, again each second"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    1: "the supervisor does not run",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--watch", action="store_true", help="keep showing it")


def run(options: argparse.Namespace) -> int:
    """Show the state once, or with `--watch` until interrupted."""

    def ask() -> JsonObject:
        return next(ask_supervisor(options, {"ask": "status"}))

    if options.watch and not options.json:
        watch(ask)
    elif options.json:
        print(json.dumps(ask(), ensure_ascii=False, indent=2))
    else:
        print_status(ask())
    return 0


def print_status(status: JsonObject) -> None:
    """Print the tables once."""
    make_console().print(view(status))


def watch(ask: Callable[[], JsonObject]) -> None:
    """Show the tables, and update them until interrupted."""
    with Live(view(ask()), screen=sys.stdout.isatty(), auto_refresh=False) as live:
        try:
            while True:
                time.sleep(REFRESH_INTERVAL)
                live.update(view(ask()), refresh=True)
        except KeyboardInterrupt:
            return


def view(status: JsonObject) -> RenderableType:
    """Return all tables."""
    parts: list[RenderableType] = [Text(headline(status), "bold"), _modules(status)]
    if status["alerts"]:
        parts.append(_alerts(status))
    if status["peers"]:
        parts.append(_peers(status))
    return Group(*parts)


def headline(status: JsonObject) -> str:
    """Return the state of the supervisor in one line."""
    alerts, peers = status["alerts"], status["peers"]
    firing = sum(alert["state"] == "firing" for alert in alerts)
    failing = sum(module["last_result"] in ("failed", "timeout") for module in status["modules"])
    enabled = [module for module in status["modules"] if module["state"] != "disabled"]
    unknown = not_looked(sum(module["awaited"] for module in enabled), len(enabled))
    parts = [f"{firing} firing"] if firing else []
    if unknown and not firing:
        parts.append(f"not looked yet: {unknown}")
    if failing:
        parts.append(f"{failing} of {len(status['modules'])} modules failing")
    down = sum(peer["state"] != "ok" for peer in peers)
    if down:
        parts.append(f"{down} of {len(peers)} Alertmanagers not reached")
    owed = max((peer["pending"] for peer in peers), default=0)
    if owed:
        parts.append(f"{owed} to be delivered")
    if status["ledger"]["dropped"]:
        parts.append(f"{status['ledger']['dropped']} dropped")
    if unknown and firing:
        parts.append(unknown)
    parts = parts or ["all well"]
    up = seconds(status["uptime_seconds"])
    return f"{status['service']} on {status['host']}: {', '.join(parts)} (up {up})"


def _modules(status: JsonObject) -> Table:
    names = ("MODULE", "CHECK", "LAST RUN", "TOOK", "RESULT", "NEXT RUN", "RUNS", "FAILED")
    table = make_table(*names, right=("RUNS", "FAILED"))
    local = _local_time(status)
    for module in status["modules"]:
        result = module["last_result"]
        word, style = RESULT_WORDS[result], _RESULTS.get(result, "bold red")
        if module["state"] != "waiting":
            word, style = (module["state"], "dim" if module["state"] == "disabled" else "cyan")
        took = module["last_seconds"]
        failures = module["failures"]
        table.add_row(
            Text(module["name"]),
            Text(module["check"], "dim"),
            local(module["last_run"]),
            "" if took is None else f"{took:.2f} s",
            Text(word, style),
            local(module["next_run"]),
            str(module["runs"]),
            Text(str(failures), "red" if failures else ""),
        )
    return table


def _alerts(status: JsonObject) -> Table:
    table = make_table("STATE", "SINCE", "ALERT", "INSTANCE", "MODULE", "DELIVERED", "MESSAGE")
    local = _local_time(status)
    alerts = sorted(status["alerts"], key=lambda alert: _STATES.get(alert["state"], 9))
    for alert in alerts[:MAX_ALERTS]:
        delivered = [state == "delivered" for state in alert["peers"].values()]
        resolved = alert["state"] in ("resolved", "report")
        table.add_row(
            Text(alert["state"], "dim" if resolved else ""),
            local(alert["starts_at"]),
            Text(
                f"{alert['event_type']} {alert['alertname']}".strip(),
                "dim" if resolved else _TYPES.get(alert["event_type"], "red"),
            ),
            Text(alert["instance"]),
            Text(alert["check"]),
            f"{sum(delivered)} of {len(delivered)}" if delivered else "",
            Text(alert["message"].replace("\n", " | ")),
        )
    if len(alerts) > MAX_ALERTS:
        table.add_row("", "", f"and {len(alerts) - MAX_ALERTS} more; see --json")
    return table


def _peers(status: JsonObject) -> Table:
    table = make_table(
        "ALERTMANAGER", "STATE", "PENDING", "OLDEST", "LAST SUCCESS", "SKEW", "ERROR"
    )
    local = _local_time(status)
    for peer in status["peers"]:
        table.add_row(
            Text(peer["url"]),
            Text(peer["state"], "green" if peer["state"] == "ok" else "red"),
            str(peer["pending"]),
            seconds(peer["oldest_pending_seconds"]) if peer["pending"] else "",
            local(peer["last_success"]),
            f"{peer['clock_skew_seconds']:.0f} s",
            Text(peer["error"]),
        )
    return table


def _local_time(status: JsonObject) -> Callable[[str | None], str]:
    """Return a function that shows a time in the service's zone, and its date if not today."""
    zone = zone_of_key(status["timezone"])
    today = datetime.fromisoformat(status["now"]).astimezone(zone).date()

    def local(text: str | None) -> str:
        if text is None:
            return ""
        when = datetime.fromisoformat(text).astimezone(zone)
        return f"{when:%H:%M:%S}" if when.date() == today else f"{when:%m-%d %H:%M}"

    return local
