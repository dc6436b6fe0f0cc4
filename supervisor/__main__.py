"""The command line: arguments in, exit code out. See `python -m supervisor --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType

from supervisor import __version__
from supervisor.commands.options import add_service
from supervisor.errors import SupervisorError

DESCRIPTION = "Checks this host and posts what it finds to Prometheus Alertmanager."

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "supervise until SIGTERM or SIGINT; SIGHUP reloads (the default command)"),
    "validate": ("validate", "parse and check the service file, print every problem"),
    "once": ("once", "run modules once now and print what they see; nothing is sent"),
    "plan": ("plan", "print the timetable of one day; nothing is run"),
    "status": ("status", "ask the running supervisor how it is"),
    "run-now": ("run_now", "ask the running supervisor to run modules now"),
    "tree": ("tree", "show the tasks of the running supervisor"),
    "test-alert": ("send_test_alert", "send one test report to each Alertmanager"),
    "doctor": ("doctor", "check everything that alerts need on their way"),
    "checks": ("checks", "list the known checks, or one check's parameters"),
}
"""Each verb: its module in `supervisor.commands`, and its help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"):
        given.insert(0, "run")
    command = _imported(given[0]) if given and given[0] in COMMANDS else None
    options = _parser(command).parse_args(given)
    try:
        assert command is not None  # noqa: S101 - the parser takes no other verb
        code: int = command.run(options)
    except SupervisorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BaseExceptionGroup as group:
        # What a task raised comes in the groups of its nurseries; a bug keeps its traceback.
        ours, bugs = group.split(SupervisorError)
        if ours is None or bugs is not None:
            raise
        return _explain(ours)
    except BrokenPipeError:
        # The reader of our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _imported(verb: str) -> ModuleType:
    """Return the verb's module. The others are not imported: a quick start is a promise."""
    return import_module(f"supervisor.commands.{COMMANDS[verb][0]}")


def _parser(command: ModuleType | None) -> argparse.ArgumentParser:
    """Return the parser. Only the verb in use has its own arguments."""
    parser = argparse.ArgumentParser("python -m supervisor", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    for verb, (name, text) in COMMANDS.items():
        verb_parser = verbs.add_parser(verb, help=text, description=text)
        add_service(verb_parser)
        if command is not None and command.__name__ == f"supervisor.commands.{name}":
            command.add_arguments(verb_parser)
    return parser


def _explain(group: BaseExceptionGroup[SupervisorError]) -> int:
    """Print each error of a group; return the exit code of the first."""
    errors: list[SupervisorError] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _explain(error)
        else:
            errors.append(error)
            print(error, file=sys.stderr)
    return errors[0].exit_code if errors else SupervisorError.exit_code


if __name__ == "__main__":
    sys.exit(main())
