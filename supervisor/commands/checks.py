"""The verb `checks`: list the known checks, or show the parameters of one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import attrs
from attrs import frozen

from supervisor.config import schema_text
from supervisor.errors import ConfigError
from supervisor.modules.loader import Check, known_checks, load_check
from supervisor.observations import Duration
from supervisor.text import columns, duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?")


def run(options: argparse.Namespace) -> int:
    """Print a line on each check, or a page on one. Raises `ConfigError` for an unknown name."""
    print(one(options.name) if options.name else all_checks())
    return 0


@frozen
class Row:
    """One parameter; `depth` is how many tables it is inside of."""

    name: str
    kind: str
    default: str
    help: str = ""
    depth: int = 0


def describe(check: Check) -> tuple[Row, ...]:
    """Return the check's parameters in their order, those of inner tables below their own."""
    return tuple(_rows(check.params, depth=0, outer=()))


def one(name: str) -> str:
    """Return a page on the check of this name; raises `ConfigError` when there is none."""
    return show_check(load_check(name))


def all_checks() -> str:
    """Return a line on each known check."""
    return show_checks(map(_summary, known_checks()))


def show_check(check: Check) -> str:
    """Return a page on one check: what it does, and its parameters."""
    head = "\n\n".join(part for part in (check.name, check.doc) if part)
    rows = describe(check)
    if not rows:
        return f"{head}\n\nIt takes no parameters."
    cells = [("  " * row.depth + row.name, row.kind, row.default, row.help) for row in rows]
    return f"{head}\n\nParameters:\n" + "\n".join(f"  {line}" for line in columns(cells))


def show_checks(summaries: Iterable[tuple[str, str]]) -> str:
    """Return a line for each check: its name, and what it does in a few words."""
    return "\n".join(columns(summaries))


def _summary(name: str) -> tuple[str, str]:
    try:
        return name, load_check(name).doc.partition("\n")[0]
    except ConfigError as error:  # the others are still of use
        return name, error.problems[0].wrong


def _rows(table: type[Any], depth: int, outer: tuple[type[Any], ...]) -> Iterator[Row]:
    for key in schema_text.keys(table):
        kind = schema_text.kind(key.type)
        yield Row(key.name, kind, _default(key), str(key.metadata.get("help", "")), depth)
        for inner in _tables(key.type):
            if inner not in outer:  # a table may hold tables of its own class
                yield from _rows(inner, depth + 1, (*outer, inner))


def _tables(expected: Any) -> Iterator[type[Any]]:
    if isinstance(expected, type) and attrs.has(expected) and schema_text.kind(expected) == "table":
        yield expected
    for argument in get_args(expected):
        yield from _tables(argument)


def _default(key: attrs.Attribute[Any]) -> str:
    default: Any = key.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        if default.takes_self:
            return "depends"
        default = default.factory()
    if isinstance(default, int | float) and Duration in (key.type, *get_args(key.type)):
        return duration(default)
    return schema_text.written(default)
