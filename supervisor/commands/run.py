"""The command `run`: supervise until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse

from supervisor.commands.options import add_state_dir, load_service_file, state_dir
from supervisor.host import garbage_collector


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser, "where the ledger is kept")
    parser.add_argument("--log-format", choices=("auto", "text", "json", "journal"), default="auto")
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
    resolver.run(
        daemon.run, service, state_dir(options), notifier, lambda: load_service_file(options)
    )
    return 0
