"""The verb `run-now`: let the running supervisor run modules at once."""

from __future__ import annotations

import argparse
import sys

from supervisor.commands.options import add_state_dir, ask_supervisor

RUN_TIMEOUT = 86400.0
"""Seconds that a module may take."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    add_state_dir(parser)
    parser.add_argument("modules", metavar="MODULE", nargs="+")


def run(options: argparse.Namespace) -> int:
    """Print how each run ended, as it ends. Return 1 if a module was not run."""
    refused = False
    request = {"ask": "run-now", "modules": options.modules}
    for told in ask_supervisor(options, request, RUN_TIMEOUT):
        if "refused" in told:
            refused = True
            print(f"{told['module']}: not run: it {told['refused']}", file=sys.stderr)
        else:
            print(f"{told['module']}: {told['result']} in {told['seconds']:.2f} s", flush=True)
    return 1 if refused else 0
