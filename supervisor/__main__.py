"""The command line: arguments in, exit code out. See `python -m supervisor --help`."""

from __future__ import annotations

import sys

from supervisor.host import inherited

if __name__ == "__main__":
    # Before the other imports, which take a while: SIGHUP may come at any time.
    first = "".join(sys.argv[1:2])
    if first == "job" and not {"-h", "--help"} & {*sys.argv[2:3]}:
        # A job inherits what we inherit, unchanged. Nothing but the standard library is imported.
        from supervisor.jobs.command import main as run_job

        sys.exit(run_job(sys.argv[2:]))
    inherited.put_right(keeps_running=first == "run" or first.startswith("-"))

import argparse
import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType

from supervisor import __version__
from supervisor.commands.options import DOCS, PROGRAM, add_service, epilog, parse
from supervisor.errors import SupervisorError

DESCRIPTION = "Checks this host and posts what it finds to Prometheus Alertmanager."
"""Shown by `--help`."""

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "supervise until SIGTERM or SIGINT; SIGHUP reloads (the default command)"),
    "validate": ("validate", "parse and check the service file, print every problem"),
    "once": ("once", "run modules once now and print what they see; nothing is sent"),
    "show": ("show", "print the service file with its family and its fragments"),
    "plan": ("plan", "print the timetable of one day; nothing is run"),
    "status": ("asking.status", "show the state of the running supervisor"),
    "run-now": ("asking.run_now", "ask the running supervisor to run modules now"),
    "silence": ("asking.silence", "silence alerts at the Alertmanagers, list silences, end them"),
    "reload": ("asking.reload", "let the running supervisor read its service file again"),
    "diff": ("asking.diff", "print what a reload would start, end, restart, resolve and relabel"),
    "tree": ("asking.tree", "show the tasks of the running supervisor"),
    "test-alert": ("send_test_alert", "send one test report to each Alertmanager"),
    "doctor": ("doctor", "check all that the alerts depend on"),
    "checks": ("checks", "list the known checks, or one check's parameters"),
    "job": ("job", "run a job and report how it ended, or report what it did"),
    "discover": ("setup.discover", "look at this host and write a first service file for it"),
    "schema": ("setup.schema", "print the JSON Schema of service files, for editors"),
    "completion": ("setup.completion", "print the completion of a shell: bash, zsh or fish"),
    "manual": ("setup.manual", "print a page of the manual, for man(1)"),
}
"""Each command: its module in `supervisor.commands`, and its help."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a descriptor that takes no more: the command's output, if no file is named."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"):
        given.insert(0, "run")
    command = _imported(given[0]) if given and given[0] in COMMANDS else None
    options = parse(_parser(command), given, COMMANDS)
    try:
        assert command is not None  # noqa: S101 - the parser takes no other command
        code: int = command.run(options)
        sys.stdout.flush()
    except SupervisorError as error:
        _print_error(error)
        return error.exit_code
    except BaseExceptionGroup as group:
        # Nurseries wrap the errors of their tasks in groups. A bug keeps its traceback.
        ours, bugs = group.split(SupervisorError)
        if ours is None or bugs is not None:
            raise
        return _print_errors(ours)
    except BrokenPipeError:
        # The reader of our output does not want more.
        _discard_output()
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        _discard_output()
        _print_error(SupervisorError(f"cannot write the output: {error.strerror}"))
        return SupervisorError.exit_code
    return code


def _discard_output() -> None:
    """Let the interpreter write the rest of the output to nowhere when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_error(error: Exception) -> None:
    with suppress(OSError):  # the exit code tells it, too
        print(error, file=sys.stderr)


def _imported(name: str) -> ModuleType:
    """Return the command's module. The others are not imported, so that the start is quick."""
    return import_module(f"supervisor.commands.{COMMANDS[name][0]}")


def _parser(command: ModuleType | None) -> argparse.ArgumentParser:
    """Return the parser for the command in use, or else for the help, which lists them all."""
    parser = argparse.ArgumentParser(
        PROGRAM,
        description=DESCRIPTION,
        epilog=f"{PROGRAM} COMMAND --help tells more of each.\n\n{DOCS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        if command is None:
            commands.add_parser(name, help=text)
        elif command.__name__ == f"supervisor.commands.{module}":
            command_parser = commands.add_parser(
                name,
                help=text,
                description=f"{text[0].upper()}{text[1:]}.",
                epilog=epilog(command.EXAMPLES, command.EXIT_CODES),
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            add_service(command_parser)
            command.add_arguments(command_parser)
            flags = [flag for action in command_parser._actions for flag in action.option_strings]
            command_parser.set_defaults(flags=flags, all_parsers=all_parsers)
    return parser


def all_parsers() -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of each command. Completion and the manual are made from them."""
    parsers = {}
    for name, (_, text) in COMMANDS.items():
        command = _imported(name)
        told = epilog(command.EXAMPLES, command.EXIT_CODES)
        parsers[name] = argparse.ArgumentParser(name, description=text, epilog=told)
        add_service(parsers[name])
        command.add_arguments(parsers[name])
    return parsers


def _print_errors(group: BaseExceptionGroup[SupervisorError]) -> int:
    """Print each error of a group. Return the exit code of the first one."""
    errors: list[SupervisorError] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _print_errors(error)
        else:
            errors.append(error)
            _print_error(error)
    return errors[0].exit_code if errors else SupervisorError.exit_code


if __name__ == "__main__":
    sys.exit(main())
