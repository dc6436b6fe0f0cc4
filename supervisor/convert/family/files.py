"""One family file and the hosts' own files, made of several converted files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from attrs import evolve, frozen

from supervisor.config.explain.positions import Positions, positions
from supervisor.config.files import Source
from supervisor.config.layers.effective import EXTENDS, VARS
from supervisor.config.layers.shape import service_shape
from supervisor.config.layers.tree import Leaf, Origin, Table, tree
from supervisor.config.layers.written import lines
from supervisor.convert.conversion import SUFFIXES, Conversion
from supervisor.convert.family.comments import Commented, comments_of
from supervisor.convert.family.proof import prove
from supervisor.convert.family.same import canonical
from supervisor.convert.family.sharing import Shared, share
from supervisor.errors import UsageError
from supervisor.modules.loader import load_check

FOLDER = "families"
"""The directory of the family, beside the service files."""

LEAST_HOSTS = 2
"""Hosts of a family at least."""


@frozen
class Family:
    """A family with its hosts."""

    path: str
    """Where the family file is to be, from the directory of the service files."""

    text: str
    """The text of the family file."""

    hosts: Mapping[str, str]
    """The texts of the hosts' files by the names of the services."""

    names: Sequence[str]
    """The names of its variables."""

    comments: int
    """Comments that are left out, since not all of the converted files have them."""

    lines: int
    """How many lines all of these files have."""

    lines_alone: int
    """How many lines the hosts' files have without a family. Comments do not count."""

    @property
    def is_shorter(self) -> bool:
        """Whether the family is worth while."""
        return self.lines < self.lines_alone


def family_of(name: str, conversions: Sequence[Conversion]) -> Family:
    """Return the family of some hosts. Raises `SupervisorError` if it would say something else."""
    _refuse_name(name, conversions)
    sources = [
        Source(Path(f"{each.name}.toml"), each.text, tomllib.loads(each.text))
        for each in conversions
    ]
    shape = service_shape(lambda check: load_check(check).params)
    shared = share([tree(each) for each in sources], shape)
    path = f"{FOLDER}/{name}.toml"
    names = [each.name for each in conversions]
    family = _with_first(shared.family, VARS, _declarations(shared, sources[0]))
    head = f"# What {', '.join(names)} share. Converted by scripts/convert_yaml.py --family."
    text, left_out = _commented(family, [each.text for each in conversions])
    hosts = {each: _text(_host(shared, number, path)) for number, each in enumerate(names)}
    made = Family(
        path=path,
        text=f"{head}\n{text}",
        hosts=hosts,
        names=tuple(shared.variables.found),
        comments=left_out,
        lines=_count(text, *hosts.values()),
        lines_alone=_count(*(each.text for each in conversions)),
    )
    prove(made.path, made.text, made.hosts, {each.name: each.text for each in conversions})
    return made


def _refuse_name(name: str, conversions: Sequence[Conversion]) -> None:
    if name.endswith(SUFFIXES):  # the shell has put the inputs where the name belongs
        raise UsageError(f"--family took the file {name} as its name; write --family NAME FILE…")
    if not name.strip() or "/" in name or not name.isprintable() or name.startswith("."):
        raise UsageError(f"--family {name!r} is not a name of a family; write for example KorPnr")
    if len(conversions) < LEAST_HOSTS:
        raise UsageError(
            "a family needs the files of two hosts at least; give more, or no --family"
        )


def _declarations(shared: Shared, source: Source) -> Table:
    """Return `[vars]` of the family."""
    declared = {
        name: each.declaration(Origin(source, (VARS, name)))
        for name, each in shared.variables.found.items()
    }
    return Table(declared, Origin(source, (VARS,)))


def _host(shared: Shared, number: int, path: str) -> Table:
    """Return the file of one host."""
    table = shared.hosts[number]
    place = table.origin
    given = {
        name: each.values[number]
        for name, each in shared.variables.found.items()
        if each.default is None or canonical(each.default) != canonical(each.values[number])
    }
    document = _with_first(table, VARS, Table(given, place))
    extends = Leaf(path, Origin(place.source, (EXTENDS,)))
    return evolve(
        document, keys={"service": table.keys["service"], EXTENDS: extends, **document.keys}
    )


def _with_first(document: Table, key: str, table: Table) -> Table:
    """Return a document with a table before its other ones, unless that table is empty."""
    return evolve(document, keys={key: table, **document.keys}) if table.keys else document


def _count(*texts: str) -> int:
    """Return how many lines say something."""
    said = (line.strip() for text in texts for line in text.splitlines())
    return sum(1 for line in said if line and not line.startswith("#"))


def _line_of(origin: Origin) -> int:
    return _positions(origin.source.text).line(origin.path)


@lru_cache(8)
def _positions(text: str) -> Positions:
    return positions(text)


def _text(document: Table) -> str:
    """Return a document as TOML. What stood in one line of a converted file has one line again."""
    return "\n".join(line.text for line in lines(document, _line_of)).strip("\n") + "\n"


def _commented(document: Table, texts: Sequence[str]) -> tuple[str, int]:
    """Return the family with the comments that all files have, and how many are left out."""
    first, *others = map(comments_of, texts)
    everywhere = [{each.text for each in comments} for comments in others]
    shared = [each for each in first if all(each.text in found for found in everywhere)]
    written = [*lines(document, _line_of)]
    places = {
        number: 0 if line.origin.path[:1] == (VARS,) else _line_of(line.origin)
        for number, line in enumerate(written)
        if line.origin is not None
    }
    commented = Commented(shared)
    text = "\n".join(commented.lines(written, places)).strip("\n") + "\n"
    told = {each.text for comments in (first, *others) for each in comments}
    return text, len(told.difference(commented.used))
