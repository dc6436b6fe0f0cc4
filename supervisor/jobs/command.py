"""The command `job`: run a job, or report what it did. It imports the standard library alone.

It does not read the service file, which other users may not read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from supervisor.jobs import spool, wrapper

PROGRAM = "alertmanager-supervisor job"
"""How it is called in a crontab."""

NOT_REPORTED = 74
"""The exit code when the spool does not take a report (EX_IOERR)."""

NOT_TAKEN = 75
"""The exit code when the supervisor has not recorded a report in time (EX_TEMPFAIL)."""

MAX_TEXT = 4096
"""Characters of the text of `--fail`."""

FAILED = 1
"""The exit code that `--fail` reports."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command, apart from `--service`."""
    parser.add_argument("job", metavar="JOB", help="its name in the service file")
    parser.add_argument(
        "--spool",
        metavar="DIR",
        default="",
        help=f"where reports go (default ${spool.VARIABLE}/NAME, else {spool.ROOT}/NAME)",
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="wait until the supervisor has the report on its disk, at most so long",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--start", action="store_true", help="it has started")
    what.add_argument("--ok", action="store_true", help="it has ended well")
    what.add_argument("--fail", metavar="TEXT", help="it has failed; TEXT says why")
    what.add_argument("--exit", metavar="CODE", type=int, help="it has ended with this exit code")
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs="*",
        help="after --: the job itself; its streams, signals and exit code stay as they are",
    )


def main(arguments: Sequence[str]) -> int:
    """Run or report a job and return the exit code. A command never fails because of us."""
    given = list(arguments)
    command: list[str] = []
    if "--" in given:
        position = given.index("--")
        given, command = given[:position], given[position + 1 :]
    parser = argparse.ArgumentParser(PROGRAM, usage=f"{PROGRAM} JOB --service NAME -- COMMAND…")
    parser.add_argument("--service", metavar="NAME", required=True)
    add_arguments(parser)
    try:
        options = parser.parse_args(given)
        if bool(command) == _reports(options):
            parser.error("write -- and the command, or one of --start, --ok, --fail and --exit")
        if "/" in options.service or not options.service.strip("."):
            parser.error(f"{options.service!r} is not the name of a service")
    except SystemExit:
        if command:
            wrapper.replace_us(command)  # the message is printed; the job must run all the same
        raise
    directory = spool.directory(options.service, options.spool)
    if command:
        wrapper.run(options.job, directory, command)
    return _report(options, directory)


def _reports(options: argparse.Namespace) -> bool:
    return bool(options.start or options.ok) or options.fail is not None or options.exit is not None


def _report(options: argparse.Namespace, directory: str) -> int:
    try:
        path = spool.write(directory, _document(options))
    except OSError as error:
        print(f"{options.job}: not reported: {directory}: {error.strerror}", file=sys.stderr)
        return NOT_REPORTED
    spool.knock(directory)
    if options.wait and not spool.await_taken(path, options.wait):
        print(f"{options.job}: in the spool; the supervisor has not read it yet", file=sys.stderr)
        return NOT_TAKEN
    return os.EX_OK


def _document(options: argparse.Namespace) -> dict[str, object]:
    if options.start:
        return spool.report(options.job, "start")
    if options.fail is not None:
        text = options.fail[:MAX_TEXT]
        return spool.report(options.job, "end", exit=FAILED, output=text)
    return spool.report(options.job, "end", exit=options.exit or 0)
