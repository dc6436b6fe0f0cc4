"""The command `job`, as `--help`, completion and the manual show it. `supervisor.jobs` runs it."""

from __future__ import annotations

import argparse

from supervisor.jobs import command

EXAMPLES = (
    ("job backup --service Shop -- /usr/local/bin/backup", "run it; report how it ended"),
    ("job backup --service Shop --ok", "report that it has ended well"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "reported; with a command: as the command has ended",
    2: "the command line is wrong",
    74: "the spool has not taken the report",
    75: "with --wait: the supervisor has not recorded the report in time",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    command.add_arguments(parser)


def run(_options: argparse.Namespace) -> int:
    """Say what is missing. A job itself never comes here, see `supervisor.__main__`."""
    raise AssertionError("a job is run before the other commands are imported")
