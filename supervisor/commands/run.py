"""The command `run`: supervise until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from supervisor.commands.options import add_state_dir, load_service_file, state_dir
from supervisor.host import garbage_collector

if TYPE_CHECKING:
    from supervisor.config.service import Service

EXAMPLES = (
    ("run --service Shop", "supervise in the foreground"),
    ("run --service Shop --log-format json", "write the log for machines"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "a clean stop",
    1: "a failure, or a stop that took too long",
    2: "the command line is wrong",
    75: "another supervisor holds the state directory",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser, "where the ledger is kept")
    parser.add_argument(
        "--log-format",
        choices=("auto", "text", "json", "journal"),
        default="auto",
        help="default: auto, which is journal under systemd, else text",
    )
    parser.add_argument("--verbose", action="store_true", help="log every run")


def run(options: argparse.Namespace) -> int:
    """Run the supervisor and return 0 after a clean stop."""
    garbage_collector.disable()  # before the imports, in which it would find nothing to collect
    from supervisor.daemon import daemon
    from supervisor.host import resolver
    from supervisor.host.log import formatters
    from supervisor.host.systemd import Notifier

    service = load_service_file(options)
    formatters.set_up(options.log_format, service.timezone, verbose=options.verbose)
    notifier = Notifier.from_environment()
    resolver.run(daemon.run, service, state_dir(options), notifier, lambda: _load_again(options))
    return 0


def _load_again(options: argparse.Namespace) -> Service:
    """Return the service with what was changed or installed since the start or the last reload."""
    from supervisor.config import timezone
    from supervisor.modules import loader

    timezone.look_again()
    loader.look_again()  # from Python 3.12 on it imports more than the start may take
    return load_service_file(options)
