"""The command `reload`: let the running supervisor read its service file again."""

from __future__ import annotations

import argparse
import sys

from supervisor.commands.options import add_state_dir, ask_supervisor
from supervisor.errors import ConfigError

RELOAD_TIMEOUT = 50.0
"""Seconds to wait for the outcome. systemd gives the command 60."""

EXAMPLES = (("reload --service Shop", "take up the changed Shop.toml, if it is right"),)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "the new configuration is in force",
    1: "the supervisor does not run",
    2: "the command line is wrong",
    78: "the new configuration is wrong; the old one stays in force",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)


def run(options: argparse.Namespace) -> int:
    """Wait for the end of the reload. Print what has changed, or what is wrong."""
    code = 0
    for outcome in ask_supervisor(options, {"ask": "reload"}, RELOAD_TIMEOUT):
        applied = outcome["applied"]
        print(outcome["text"], file=sys.stdout if applied else sys.stderr)
        code = 0 if applied else ConfigError.exit_code
    return code
