"""The tables of docs/reference/commands.md, made from the parsers of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

from scripts.reference.markdown import code, plain, table
from supervisor.__main__ import COMMANDS, all_parsers
from supervisor.commands.setup.command_line import Argument, Command
from supervisor.commands.setup.command_line import commands as known_commands
from supervisor.commands.setup.manual import ENVIRONMENT


def shared_flags() -> Iterator[str]:
    """Yield the table of the flags that every command has."""
    yield from table(("flag", "means"), map(_argument, _shared(_known())))


def arguments() -> Iterator[str]:
    """Yield the table of the arguments that each command has besides."""
    known = _known()
    shared = _shared(known)
    own = (
        (command.name, _argument(argument))
        for command in known
        for argument in command.arguments
        if argument not in shared
    )
    yield from table(("command", "argument", "means"), _grouped(own))


def exit_codes() -> Iterator[str]:
    """Yield the table of the exit codes of each command."""
    found = (
        (name, (str(exit_code), meaning))
        for name, (module, _) in COMMANDS.items()
        for exit_code, meaning in import_module(f"supervisor.commands.{module}").EXIT_CODES.items()
    )
    yield from table(("command", "code", "means"), _grouped(found))


def environment() -> Iterator[str]:
    """Yield the table of the environment variables that the program reads."""
    rows = ((code(f"${name}"), plain(meaning)) for name, meaning in ENVIRONMENT.items())
    yield from table(("variable", "means"), rows)


def _known() -> list[Command]:
    return known_commands(all_parsers())


def _shared(known: list[Command]) -> list[Argument]:
    return [each for each in known[0].arguments if all(each in one.arguments for one in known)]


def _argument(argument: Argument) -> tuple[str, str]:
    more = "…" if argument.repeats else ""
    given = " ".join(part for part in (*argument.flags[-1:], argument.value + more) if part)
    shown = given if argument.flags or argument.required else f"[{given}]"
    return code(shown), plain(argument.help)


def _grouped(rows: Iterable[tuple[str, tuple[str, str]]]) -> Iterator[tuple[str, str, str]]:
    """Yield rows with the name of the command in its first row alone."""
    before = ""
    for name, cells in rows:
        yield ("" if name == before else code(name), *cells)
        before = name
