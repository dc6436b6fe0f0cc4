"""Puts file, line and module to each problem, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

import attrs
from attrs import frozen

from supervisor.config.explain.misplaced import remedy_for_an_unknown_key
from supervisor.config.explain.positions import Positions, positions
from supervisor.config.files import Source, read
from supervisor.config.problems import KeyPath, KeyProblem, ParamsOf, key_text
from supervisor.config.rules import default_name, tables
from supervisor.config.service import Service
from supervisor.errors import ConfigError, Problem
from supervisor.text import shortened


def report(
    source: Source, problems: Iterable[KeyProblem], params_of: ParamsOf
) -> Iterator[Problem]:
    """Yield the problems of a file, those of modules last, in the modules' order."""
    places = Places.of(source)
    for problem in sorted(problems, key=_order):
        if remedy := remedy_for_an_unknown_key(problem, source.table, params_of):
            problem = attrs.evolve(problem, remedy=remedy)
        wrong = problem.wrong
        if problem.first:
            wrong += f" (line {places.lines.line(problem.first)})"
        yield places.problem(problem.path, wrong, problem.remedy)


@frozen
class Places:
    """Where the keys of one service file stand."""

    file: Path
    """The service file."""

    lines: Positions
    """The lines of its keys."""

    names: Mapping[int, str]
    """The names of its modules. Some modules have none."""

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return the places of a file that is read."""
        modules = tables(source.table.get("modules"))
        names = {index: module.get("name", default_name(module)) for index, module in modules}
        found = {index: name for index, name in names.items() if isinstance(name, str)}
        return cls(source.path, positions(source.text), found)

    @classmethod
    def in_use(cls, service: Service) -> Self:
        """Return the places of a service. Its file is read again; it may have changed since."""
        try:
            lines = positions(read(service.path).text)
        except ConfigError:
            lines = Positions({})
        names = {index: module.name for index, module in enumerate(service.modules)}
        return cls(service.path, lines, names)

    def problem(self, path: KeyPath, wrong: str, remedy: str) -> Problem:
        """Return a problem at a key."""
        line = self.lines.line(path) if self.lines.lines else 0
        return Problem(
            file=str(self.file),
            key=key_text(path),
            wrong=wrong,
            remedy=remedy,
            line=line,
            place=place_of(path, self.names),
        )

    def where(self, path: KeyPath) -> str:
        """Return file and line of a key: `Shop.toml:27`. Empty if the file is gone."""
        return f"{self.file}:{self.lines.line(path)}" if self.lines.lines else ""


def place_of(path: KeyPath, names: Mapping[int, str]) -> str:
    """Return a key as people find it: `module 'disk': filesystems[0].max_use_percent`.

    A module without a name goes by its number, counted from 1.
    """
    match path:
        case ("modules", int(index), *rest):
            if rest[:1] == ["params"] and len(rest) > 1 and isinstance(rest[1], str):
                rest = rest[1:]
            key = key_text(tuple(rest))
            name = names.get(index, "").strip()
            module = f"module '{shortened(name)}'" if name else f"module {index + 1}"
            return f"{module}: {key}" if key else module
    return key_text(path)


def _order(problem: KeyProblem) -> int:
    match problem.path:
        case ("modules", int(index), *_):
            return index
    return -1
