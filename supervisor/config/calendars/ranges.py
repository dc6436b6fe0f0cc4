"""Rules of tables whose `at` has ranges: maintenance windows, and `during` of a module.

`rules` calls them with the plain TOML tables. What is wrong by itself is reported by `structure`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from supervisor.config import strict
from supervisor.config.problems import KeyPath, KeyProblem, split
from supervisor.config.times import DAY, parse_span
from supervisor.observations import Duration
from supervisor.text import advice, shortened

RANGE_REMEDY = 'write a range, such as "Sun 03:00-03:30"'
"""What a maintenance window needs."""


def wrong_windows(
    windows: Sequence[tuple[int, Mapping[str, Any]]], modules: Collection[object]
) -> Iterator[KeyProblem]:
    """Yield what does not fit in the `[[maintenance]]` tables. `modules` are names of modules."""
    first: dict[object, int] = {}
    for index, window in windows:
        path = ("maintenance", index)
        name = window.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            wrong = f"'{shortened(name)}' is the name of window {first[name] + 1} too"
            remedy = "give each window its own name = …"
            yield KeyProblem((*path, "name"), wrong, remedy, ("maintenance", first[name], "name"))
        yield from wrong_ranges(path, window)
        yield from _unknown_modules((*path, "modules"), window.get("modules"), modules)
        with suppress(ValueError):
            if strict.duration(window.get("settle", 0), Duration) > DAY:
                yield KeyProblem((*path, "settle"), "is more than 1d", 'write for example "3m"')


def wrong_ranges(path: KeyPath, table: Mapping[str, Any]) -> Iterator[KeyProblem]:
    """Yield what of `at` is not a range, or that it has none."""
    at = table.get("at")
    if at == []:
        yield KeyProblem((*path, "at"), "has no range", RANGE_REMEDY)
    for index, item in enumerate(at if isinstance(at, list) else ()):
        if not isinstance(item, str):
            continue
        try:
            span = parse_span(item)
        except ValueError as error:
            yield KeyProblem((*path, "at", index), *split(error, RANGE_REMEDY))
            continue
        if span.end is None or span.end == span.start:
            wrong = f"'{item}' is not a range with a beginning and an end"
            yield KeyProblem((*path, "at", index), wrong, RANGE_REMEDY)


def _unknown_modules(
    path: KeyPath, names: object, modules: Collection[object]
) -> Iterator[KeyProblem]:
    known = [name for name in modules if isinstance(name, str)]
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name not in known:
            wrong = f"'{shortened(name)}' is not a module of this file"
            yield KeyProblem((*path, index), wrong, advice(name, known))
