"""Puts file, line and module to each problem, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from supervisor.config.explain.misplaced import remedy_for_an_unknown_key
from supervisor.config.explain.positions import Positions, positions
from supervisor.config.files import Source, read
from supervisor.config.problems import KeyPath, KeyProblem, ParamsOf, key_text
from supervisor.config.rules import default_name, tables
from supervisor.errors import ConfigError, Problem
from supervisor.text import shortened


def report(
    source: Source, problems: Iterable[KeyProblem], params_of: ParamsOf
) -> Iterator[Problem]:
    """Yield the problems of a file, those of modules last, in the modules' order."""
    lines = positions(source.text)
    for problem in sorted(problems, key=_order):
        if remedy := remedy_for_an_unknown_key(problem, source.table, params_of):
            problem = attrs.evolve(problem, remedy=remedy)
        wrong = problem.wrong
        if problem.first:
            wrong += f" (line {lines.line(problem.first)})"
        yield Problem(
            file=str(source.path),
            key=problem.key,
            wrong=wrong,
            remedy=problem.remedy,
            line=lines.line(problem.path),
            place=place_of(problem.path, source.table),
        )


def place_of(path: KeyPath, document: Mapping[str, Any]) -> str:
    """Return a key as people find it: `module 'disk': filesystems[0].max_use_percent`.

    A module without a name goes by its number, counted from 1.
    """
    match path:
        case ("modules", int(index), *rest):
            if rest[:1] == ["params"] and len(rest) > 1 and isinstance(rest[1], str):
                rest = rest[1:]
            key = key_text(tuple(rest))
            module = _module(document, index)
            return f"{module}: {key}" if key else module
    return key_text(path)


def _module(document: Mapping[str, Any], index: int) -> str:
    table = dict(tables(document.get("modules"))).get(index, {})
    name = table.get("name", default_name(table))
    named = isinstance(name, str) and name.strip()
    return f"module '{shortened(name)}'" if named else f"module {index + 1}"


def _order(problem: KeyProblem) -> int:
    match problem.path:
        case ("modules", int(index), *_):
            return index
    return -1


def where(file: Path, path: KeyPath) -> str:
    """Return `FILE:LINE` of a key in a file that was read before. It may have changed since."""
    try:
        lines = positions(read(file).text)
    except ConfigError:
        lines = Positions({})
    return f"{file}:{lines.line(path)}" if lines.lines else str(file)
