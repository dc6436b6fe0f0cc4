"""Puts file, line and module to each problem, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

import attrs
from attrs import define, field

from supervisor.config.explain.misplaced import remedy_for_an_unknown_key
from supervisor.config.explain.positions import Positions, positions
from supervisor.config.layers.effective import Effective
from supervisor.config.layers.tree import Origin
from supervisor.config.layers.whole import read_whole
from supervisor.config.problems import KeyPath, KeyProblem, ParamsOf, key_text
from supervisor.config.rules import default_name, tables
from supervisor.config.service import Service
from supervisor.errors import ConfigError, Problem
from supervisor.text import shortened


def report(
    source: Effective, problems: Iterable[KeyProblem], params_of: ParamsOf
) -> Iterator[Problem]:
    """Yield what is wrong between files, then in them, that of modules in the modules' order."""
    places = Places.of(source)
    for fault in source.faults:
        wrong = f"{fault.wrong} {places.text(fault.other)}" if fault.other else fault.wrong
        yield places.problem_at(fault.origin, fault.path, wrong, fault.remedy)
    for problem in sorted(problems, key=_order):
        if any(problem.path[: len(path)] == path for path in source.unknown):
            continue  # that its variable has no value is told already
        if remedy := remedy_for_an_unknown_key(problem, source.table, params_of):
            problem = attrs.evolve(problem, remedy=remedy)
        wrong = problem.wrong
        if problem.first:
            wrong += f" ({places.seen_from(problem.path, problem.first)})"
        yield places.problem(problem.path, wrong, problem.remedy)


@define
class Places:
    """Where the keys of one service file stand, in that file or in others that belong to it."""

    effective: Effective | None
    """What the file says. None: the file is gone, or is no longer right."""

    file: Path
    """The service file."""

    names: Mapping[int, str]
    """The names of its modules. Some modules have none."""

    _lines: dict[Path, Positions] = field(factory=dict)
    """The lines of the keys, by file. A file is gone through when it is needed."""

    @classmethod
    def of(cls, source: Effective) -> Self:
        """Return the places of a file that is read."""
        modules = tables(source.table.get("modules"))
        names = {index: module.get("name", default_name(module)) for index, module in modules}
        found = {index: name for index, name in names.items() if isinstance(name, str)}
        return cls(source, source.path, found)

    @classmethod
    def in_use(cls, service: Service) -> Self:
        """Return the places of a service. Its files are read again; they may have changed since."""
        params = {module.check: type(module.params) for module in service.modules}
        try:
            effective = read_whole(service.path, lambda check: params.get(check, object))
        except ConfigError:
            effective = None
        names = {index: module.name for index, module in enumerate(service.modules)}
        return cls(effective, service.path, names)

    def problem(self, path: KeyPath, wrong: str, remedy: str) -> Problem:
        """Return a problem at a key."""
        if self.effective is None:
            return self._problem(str(self.file), 0, path, wrong, remedy)
        origin = self.effective.origin(path)
        if origin.given is not None:
            wrong += f" (the variable is given in {self.text(origin.given)})"
        return self.problem_at(origin, path, wrong, remedy)

    def problem_at(self, origin: Origin, path: KeyPath, wrong: str, remedy: str) -> Problem:
        """Return a problem at a place. `path` is the key by which people know it."""
        return self._problem(str(origin.source.path), self.line(origin), path, wrong, remedy)

    def _problem(self, file: str, line: int, path: KeyPath, wrong: str, remedy: str) -> Problem:
        return Problem(
            file=file,
            key=key_text(path),
            wrong=wrong,
            remedy=remedy,
            line=line,
            place=place_of(path, self.names),
        )

    def where(self, path: KeyPath) -> str:
        """Return file and line of a key: `Shop.toml:27`. Empty if the file is gone."""
        return "" if self.effective is None else self.text(self.effective.origin(path))

    def seen_from(self, here: KeyPath, path: KeyPath) -> str:
        """Return the line of a key: `line 27`. With its file, if `here` is in another one."""
        assert self.effective is not None  # noqa: S101 - a file with problems is there
        origin, other = self.effective.origin(path), self.effective.origin(here)
        is_near = origin.source.path == other.source.path
        return f"line {self.line(origin)}" if is_near else self.text(origin)

    def text(self, origin: Origin) -> str:
        """Return a place: `Shop.toml:27`."""
        return f"{origin.source.path}:{self.line(origin)}"

    def line(self, origin: Origin) -> int:
        """Return the line of a place. 0: nothing is known of the lines of its file."""
        source = origin.source
        if source.path not in self._lines:
            self._lines[source.path] = positions(source.text)
        found = self._lines[source.path]
        return found.line(origin.path) if found.lines else 0


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
