"""The command line as values, for completion and for the manual: made from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from attrs import frozen

from supervisor.commands.options import DOCS
from supervisor.commands.options import PROGRAM as CALLED

PROGRAM = "alertmanager-supervisor"
"""The name of the installed program."""

_WORDS = {"MODULE": "modules", "FILE|NAME": "services"}
"""What stands for a value in a help text, and the kind of words that are right for it."""

_FILES = ("DIR", "FILE")
"""What stands for a path in a help text."""


@frozen
class Argument:
    """A flag, or an argument by its place."""

    flags: tuple[str, ...]
    """Empty: it is given by its place."""
    value: str
    """What stands for its value in help. Empty: it takes none."""
    help: str
    choices: tuple[str, ...] = ()
    words: str = ""
    """The kind of words that it takes: see `words`."""
    repeats: bool = False
    required: bool = False
    """Of an argument by its place: whether it must be given."""

    @property
    def takes_files(self) -> bool:
        """Whether its value is a path."""
        return self.value in _FILES


@frozen
class Command:
    """One command."""

    name: str
    help: str
    usage: str
    """One line, without the program."""
    arguments: tuple[Argument, ...]
    epilog: str = ""


def commands(parsers: Mapping[str, argparse.ArgumentParser]) -> list[Command]:
    """Return all commands in the order of `--help`."""
    return [_command(name, parser) for name, parser in parsers.items()]


def _command(name: str, parser: argparse.ArgumentParser) -> Command:
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    return Command(
        name=name,
        help=parser.description or "",
        usage=usage,
        arguments=tuple(_arguments(name, parser)),
        epilog=_examples(parser.epilog or ""),
    )


def _examples(epilog: str) -> str:
    """Return the examples and exit codes of a help, as the installed program is called."""
    return epilog.removesuffix(DOCS).rstrip().replace(CALLED, PROGRAM)


def _arguments(name: str, parser: argparse.ArgumentParser) -> Iterator[Argument]:
    # argparse has no public list of its arguments.
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        words = _WORDS.get(str(action.metavar), "")
        if action.dest == "service":
            words = "services"
        elif (name, action.dest) == ("checks", "name"):
            words = "checks"
        choices = tuple(map(str, action.choices or ()))
        yield Argument(
            flags=tuple(action.option_strings),
            value="" if action.nargs == 0 else _value(action, choices),
            help=(action.help or "").replace("%%", "%"),
            choices=choices,
            words=words,
            repeats=action.nargs in ("*", "+"),
            required=not action.option_strings and action.nargs not in ("*", "?"),
        )


def _value(action: argparse.Action, choices: tuple[str, ...]) -> str:
    if action.metavar:
        return str(action.metavar)
    return "|".join(choices) if choices else action.dest.upper()
