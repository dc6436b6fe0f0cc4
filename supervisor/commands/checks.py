"""The command `checks`: list the known checks, or show the parameters of one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import attrs
from attrs import frozen

from supervisor.config import schema_text
from supervisor.config.limits.limit import Limit
from supervisor.errors import ConfigError
from supervisor.modules.loader import Check, known_checks, load_check
from supervisor.text import columns, duration

EXAMPLES = (
    ("checks", "list the checks"),
    ("checks disk", "the parameters of one check"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
    78: "there is no such check",
}
"""What `--help` says of the exit codes."""


LIMITS = """\
Limits are a table in place of the number, such as { W = 80, E = 95, clear = 75 }:
above 80 it is W, above 95 it is E, and what fires goes on until the value is below 75.
A limit that is a minimum, such as min_free, looks the other way: { W = 20, E = 5, clear = 25 }."""
"""What a page says below its parameters if one of them may be a table of limits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="a check; default: list all")


def run(options: argparse.Namespace) -> int:
    """Print a line about each check, or a page about one. Raises `ConfigError`."""
    if options.name:
        print(show_check(load_check(options.name)))
    else:
        print(show_checks(map(_summary, known_checks())))
    return 0


@frozen
class Parameter:
    """One parameter of a check."""

    name: str
    kind: str
    default: str
    help: str = ""
    depth: int = 0
    """The number of tables that it is inside of."""


def parameters(check: Check) -> tuple[Parameter, ...]:
    """Return the check's parameters in their order. Those of an inner table follow the table."""
    return tuple(_parameters(check.params, depth=0, outer=()))


def show_check(check: Check) -> str:
    """Return a page about one check: what it does, and its parameters."""
    head = "\n\n".join(part for part in (check.name, check.doc) if part)
    found = parameters(check)
    if not found:
        return f"{head}\n\nIt takes no parameters."
    cells = [("  " * each.depth + each.name, each.kind, each.default, each.help) for each in found]
    page = f"{head}\n\nParameters:\n" + "\n".join(f"  {line}" for line in columns(cells))
    return f"{page}\n\n{LIMITS}" if any("limits" in each.kind for each in found) else page


def show_checks(summaries: Iterable[tuple[str, str]]) -> str:
    """Return a line for each check: its name, and what it does in a few words."""
    return "\n".join(columns(summaries))


def _summary(name: str) -> tuple[str, str]:
    try:
        return name, load_check(name).doc.partition("\n")[0]
    except ConfigError as error:  # the other checks can still be listed
        return name, error.problems[0].wrong


def _parameters(table: type[Any], depth: int, outer: tuple[type[Any], ...]) -> Iterator[Parameter]:
    for key in schema_text.keys(table):
        kind = schema_text.kind(key.type)
        yield Parameter(
            name=schema_text.key_name(key),
            kind=kind,
            default=default_text(key),
            help=str(key.metadata.get("help", "")),
            depth=depth,
        )
        for inner in _tables(key.type):
            if inner not in outer:  # a table may contain tables of its own class
                yield from _parameters(inner, depth + 1, (*outer, inner))


def _tables(expected: Any) -> Iterator[type[Any]]:
    if isinstance(expected, type) and attrs.has(expected) and schema_text.kind(expected) == "table":
        yield expected
    for argument in get_args(expected):
        yield from _tables(argument)


def default_text(key: attrs.Attribute[Any]) -> str:
    """Return the default of a key as it may be written, or "required"."""
    default: Any = key.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        if default.takes_self:
            return "depends"
        default = default.factory()
    if isinstance(default, Limit):
        default = default.value
    if isinstance(default, int | float) and schema_text.is_duration(key.type):
        return duration(default)
    return schema_text.written(default)
