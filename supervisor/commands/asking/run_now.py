"""The command `run-now`: let the running supervisor run modules at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.commands.options import add_state_dir, ask_supervisor

RUN_TIMEOUT = 86400.0
"""Seconds to wait for the outcome of a run. The supervisor itself ends a run much earlier."""


SEEN = {"conditions", "failure", "measurements", "reports"}
"""The keys of an outcome that tell what the run has seen."""

EXAMPLES = (("run-now --service Shop disk", "run the module disk now, and print what it sees"),)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "each module was run",
    1: "a module was not run, or the supervisor does not run",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("modules", metavar="MODULE", nargs="+", help="its name in the service file")


def run(options: argparse.Namespace) -> int:
    """Print how each run ended, as it ends, and then what they have seen.

    Return 1 if a module was not run, or if it is not known how its run ended.
    """
    request = {"ask": "run-now", "modules": options.modules}
    code, seen = 0, []
    for outcome in ask_supervisor(options, request, RUN_TIMEOUT):
        code = max(code, _show(outcome))
        if SEEN & outcome.keys():
            seen.append(outcome)
    if seen:
        _print_seen(sorted(seen, key=lambda each: options.modules.index(each["module"])))
    return code


def _print_seen(outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Print the same table as `once`."""
    from supervisor.commands.seen import Seen, print_seen  # rich takes a while
    from supervisor.observations import Condition, Report

    runs = []
    for outcome in outcomes:
        reports = [
            Report(each["alertname"], each["message"], event_type=each["event_type"])
            for each in outcome.get("reports", ())
        ]
        runs.append(
            Seen(
                module=outcome["module"],
                seconds=outcome["seconds"],
                error=outcome.get("failure", ""),
                told=[*(Condition(**each) for each in outcome.get("conditions", ())), *reports],
                measurements=outcome.get("measurements", 0),
                left_out=outcome.get("left_out", 0),
            )
        )
    print_seen(runs)


def _show(outcome: dict[str, Any]) -> int:
    """Print the outcome of one module. Return its exit code."""
    module = outcome["module"]
    if "refused" in outcome:
        print(f"{module}: not run: it {outcome['refused']}", file=sys.stderr)
    elif outcome["seconds"] is None:
        print(f"{module}: {outcome['result']}: no run has ended in time", file=sys.stderr)
    else:
        print(f"{module}: {outcome['result']} in {outcome['seconds']:.2f} s", flush=True)
        return 0
    return 1
