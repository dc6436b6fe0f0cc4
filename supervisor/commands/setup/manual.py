"""The command `manual`: print a page of the manual, made from the parsers and the classes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from supervisor import __version__
from supervisor.commands.setup import roff, service_page
from supervisor.commands.setup.command_line import PROGRAM, Argument, Command, commands

SERVICE_PAGE = "supervisor-service"
"""The page on the service file."""

ALL_EXIT_CODES: Mapping[int, str] = {
    0: "Done. `once`: nothing is wrong.",
    1: "Any other failure. `once`: a condition was seen.",
    2: "The command line is wrong.",
    3: "`once`: a check failed.",
    75: "Another supervisor holds the state directory.",
    78: "The service file is missing or wrong.",
}
"""What each exit code of any command means."""

ENVIRONMENT: Mapping[str, str] = {
    "SUPERVISOR_CONFIG_DIR": "Where service files are, if `--config-dir` is not given.",
    "STATE_DIRECTORY": "Where the state is kept, if `--state-dir` is not given. systemd sets it.",
    "XDG_STATE_HOME": "If neither is there, the state is in its directory supervisor/NAME.",
    "CREDENTIALS_DIRECTORY": "Where the secrets are that a service file names as credentials.",
    "NO_COLOR": "If it is set, the log has no colours.",
}
"""What each variable does."""

FILES: Mapping[str, str] = {
    "/etc/supervisor/NAME.toml": "The service file of an installed service.",
    "/var/lib/supervisor/NAME/": "Its state.",
    "/opt/supervisor/current/docs/": "All of the documentation.",
    "/opt/supervisor/current/service.schema.json": "The JSON Schema of service files, for editors.",
}
"""What is where after an installation."""

EXAMPLE = (
    "alertmanager-supervisor discover --out /etc/supervisor/Shop.toml",
    "alertmanager-supervisor validate --service Shop",
    "alertmanager-supervisor once --service Shop",
    "systemctl enable --now supervisor@Shop",
    "alertmanager-supervisor status --service Shop",
)
"""From nothing to a host that is monitored."""


EXAMPLES = (
    ("manual | man -l -", "read the page of the program"),
    ("manual supervisor-service | man -l -", "read the page of the service file"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "page",
        metavar="PAGE",
        nargs="?",
        choices=(PROGRAM, SERVICE_PAGE),
        default=PROGRAM,
        help=f"{PROGRAM} or {SERVICE_PAGE}; default: {PROGRAM}",
    )


def run(options: argparse.Namespace) -> int:
    """Print the page. `man -l -` shows it."""
    if options.page == SERVICE_PAGE:
        text = roff.page(SERVICE_PAGE, 5, __version__, service_page.lines())
    else:
        known = commands(options.all_parsers())
        text = roff.page(PROGRAM, 1, __version__, program_page(known))
    print(text, end="")
    return 0


def program_page(known: Sequence[Command]) -> Iterator[str]:
    """Yield the page of the program."""
    yield from roff.section("Name")
    yield f"{roff.escaped(PROGRAM)} \\- checks this host and posts to Prometheus Alertmanager"
    yield from roff.section("Synopsis")
    yield f"\\fB{roff.escaped(PROGRAM)}\\fR \\fICOMMAND\\fR [\\fIFLAGS\\fR]"
    yield from roff.section("Description")
    yield from roff.paragraph(
        "It runs checks by a timetable. What they find is kept on disk until each Alertmanager has "
        f"taken it. A service is one file, see {SERVICE_PAGE}(5). If the first argument is a flag, "
        "the command is `run`."
    )
    yield from roff.section("Example")
    yield from roff.example(EXAMPLE)
    yield from roff.section("Flags of all commands")
    shared = _shared(known)
    for argument in shared:
        yield from _argument(argument)
    yield from roff.section("Commands")
    for command in known:
        yield from roff.subsection(command.name)
        yield f"\\fB{roff.escaped(command.name)}\\fR" + _synopsis(command, shared)
        yield from roff.paragraph(f"{command.help[:1].upper()}{command.help[1:]}.")
        for argument in command.arguments:
            if argument not in shared:
                yield from _argument(argument)
        if command.epilog:
            yield from roff.example(command.epilog.splitlines())
    yield from _terms("Exit status", {str(code): text for code, text in ALL_EXIT_CODES.items()})
    yield from _terms("Environment", ENVIRONMENT)
    yield from _terms("Files", FILES)
    yield from roff.section("See also")
    yield f"\\fB{roff.escaped(SERVICE_PAGE)}\\fR(5), \\fBamtool\\fR(1), \\fBsystemctl\\fR(1)"


def _shared(known: Sequence[Command]) -> list[Argument]:
    """Return the arguments that every command has."""
    first, *others = known
    return [
        argument
        for argument in first.arguments
        if all(argument in command.arguments for command in others)
    ]


def _synopsis(command: Command, shared: Sequence[Argument]) -> str:
    text = ""
    for argument in command.arguments:
        if argument in shared:
            continue
        value = f"\\fI{roff.escaped(argument.value)}\\fR" if argument.value else ""
        more = " ..." if argument.repeats else ""
        flag = f"\\fB{roff.escaped(argument.flags[-1])}\\fR " if argument.flags else ""
        given = f"{flag}{value}{more}".strip()
        text += f" {given}" if argument.required else f" [{given}]"
    return text


def _argument(argument: Argument) -> Iterator[str]:
    term = ", ".join(argument.flags)
    yield from (
        roff.item(term, argument.help, argument.value)
        if term
        else roff.item(argument.value, argument.help)
    )


def _terms(title: str, terms: Mapping[str, str]) -> Iterator[str]:
    yield from roff.section(title)
    for term, text in terms.items():
        yield from roff.item(term, text)
