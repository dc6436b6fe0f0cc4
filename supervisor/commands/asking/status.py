"""The command `status`: show the state of the running supervisor in words, or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from supervisor.commands.options import add_state_dir, ask_supervisor
from supervisor.commands.tables import make_console
from supervisor.commands.views.status import View, fitted
from supervisor.control.socket_client import JsonObject
from supervisor.errors import UsageError
from supervisor.text import advice, not_looked, seconds

REFRESH_INTERVAL = 1.0
"""Seconds between two requests of `--watch`."""

EXAMPLES = (
    ("status --service Shop", "alerts, peers and modules"),
    ("status --service Shop disk", "one module and its alerts"),
    ("status --service Shop --watch", "the same as the first, again each second"),
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
    parser.add_argument("module", metavar="MODULE", nargs="?", help="show this module alone")
    parser.add_argument("--alerts", action="store_true", help="only the verdict and all alerts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--watch", action="store_true", help="show it again each second")


def run(options: argparse.Namespace) -> int:
    """Show the state once, or with `--watch` until interrupted."""

    def ask() -> JsonObject:
        status = next(ask_supervisor(options, {"ask": "status"}))
        return status if options.module is None else of_module(status, options.module)

    def view(status: JsonObject, console: Console) -> View:
        return View(
            status,
            headline(status),
            console.width,
            is_one=options.module is not None,
            alerts_only=options.alerts,
        )

    if options.json:
        print(json.dumps(ask(), ensure_ascii=False, indent=2))
    elif options.watch:
        watch(ask, view)
    else:
        console = make_console()
        console.print(*view(ask(), console).parts(), sep="\n")
    return 0


def watch(ask: Callable[[], JsonObject], view: Callable[[JsonObject, Console], View]) -> None:
    """Show the state, and update it until interrupted. What does not fit is counted."""
    console = make_console()
    is_screen = sys.stdout.isatty()
    height = console.height if is_screen else None
    first = fitted(view(ask(), console), height)
    with Live(first, console=console, screen=is_screen, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(REFRESH_INTERVAL)
                height = console.height if is_screen else None
                live.update(fitted(view(ask(), console), height), refresh=True)
        except KeyboardInterrupt:
            return


def of_module(status: JsonObject, name: str) -> JsonObject:
    """Return the document with one module and its alerts. Raises `UsageError`."""
    known = [module["name"] for module in status["modules"]]
    if name not in known:
        raise UsageError(f"there is no module {name!r}; {advice(name, known)}")
    return status | {
        "modules": [module for module in status["modules"] if module["name"] == name],
        "alerts": [alert for alert in status["alerts"] if is_about(alert, name)],
    }


def headline(status: JsonObject) -> str:
    """Return the state of the supervisor in one line."""
    alerts, peers = status["alerts"], status["peers"]
    firing = sum(alert["state"] == "firing" for alert in alerts)
    failing = sum(module["last_result"] in ("failed", "timeout") for module in status["modules"])
    enabled = [module for module in status["modules"] if module["state"] != "disabled"]
    unknown = not_looked(sum(module["awaited"] for module in enabled), len(enabled))
    parts = [f"{firing} firing"] if firing else []
    if held := sum(alert["state"] == "held" for alert in alerts):
        parts.append(f"{held} held")
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


def is_about(alert: JsonObject, module: str) -> bool:
    """Return whether an alert is of this module, or the supervisor's own about it."""
    if alert["check"] != "supervisor":
        return bool(alert["check"] == module)
    return bool(alert["alertname"].endswith(f" ({module})"))
