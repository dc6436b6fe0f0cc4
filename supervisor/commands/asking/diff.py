"""The command `diff`: print what a reload would do. Nothing is done."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from supervisor.commands.asking.reload import RELOAD_TIMEOUT
from supervisor.commands.options import add_state_dir, ask_supervisor
from supervisor.errors import ConfigError
from supervisor.text import columns, counted

EXAMPLES = (
    ("diff --service Shop", "what the changed files of Shop would do"),
    ("diff --service Shop --json", "the same for machines"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done, also if there is nothing to do",
    1: "the supervisor does not run",
    2: "the command line is wrong",
    78: "the new configuration is wrong; a reload would change nothing",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Ask the running supervisor, and print its answer."""
    code = 0
    for answer in ask_supervisor(options, {"ask": "diff"}, RELOAD_TIMEOUT):
        if "refused" in answer:
            print(answer["refused"], file=sys.stderr)
            code = ConfigError.exit_code
        elif options.json:
            print(json.dumps(answer, ensure_ascii=False, indent=2))
        else:
            print(as_text(answer))
    return code


def as_text(answer: dict[str, Any]) -> str:
    """Return a line for each thing that a reload would do."""
    rows = [*_rows(answer)]
    unchanged = counted(answer["unchanged"], "module")
    if not rows:
        return f"a reload would change nothing; {unchanged} would go on"
    return "\n".join(("a reload would", *columns(rows), f"{unchanged} would go on"))


def _rows(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what would be done, and to what."""
    yield from (("start", name) for name in answer["start"])
    yield from (("end", name) for name in answer["end"])
    for each in answer["restart"]:
        yield "restart", f"{each['module']}: {', '.join(each['changed'])}"
    if answer["settings"]:
        yield "change", ", ".join(answer["settings"])
    if answer["peers_again"]:
        yield "connect", "to the Alertmanagers again"
    if answer["page_again"]:
        yield "open", "the status page again"
    yield from (("resolve", _alert(each)) for each in answer["resolve"])
    for each in answer["relabel"]:
        yield "relabel", f"{_alert(each)}: {', '.join(_labels(each['labels'].items()))}"
    yield from (("fire", _alert(each)) for each in answer["fire"])


def _alert(alert: dict[str, Any]) -> str:
    """Return an alert as the log has it, after its module."""
    instance = f" {alert['instance']}" if alert["instance"] else ""
    return f"{alert['module']}: {alert['event_type']} {alert['alertname']}{instance}"


def _labels(labels: Iterable[tuple[str, list[str | None]]]) -> Iterator[str]:
    for name, (old, new) in labels:
        if new is None:
            yield f"without {name}"
        else:
            yield f'{name}="{new}"' + ("" if old is None else f' instead of "{old}"')
