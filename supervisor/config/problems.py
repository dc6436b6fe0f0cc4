"""What is wrong in a table: each problem at its key, with what would be right.

`InvalidValue` is raised where one value is read. `TableError` holds the `KeyProblem`s of a whole
table. `load` adds the file's name to each and makes it a `supervisor.errors.Problem`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from attrs import frozen
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.errors import AttributeValidationNote

from supervisor.config import schema_text
from supervisor.text import advice, shortened

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: names of keys and positions in lists."""

SECRETIVE = re.compile(r"pass(word|wd|phrase)?$|pwd|secret|token|api_?key", re.IGNORECASE)
"""Names of keys whose values are never shown, whatever their type is."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""


@frozen
class KeyProblem:
    """One thing that is wrong at one key of a table.

    It does not know the file that the table comes from.
    """

    path: KeyPath
    wrong: str
    """What is wrong, to be read after the key: "is less than 1"."""
    remedy: str
    """What would be right: "write 1 or more"."""

    @property
    def key(self) -> str:
        """Return the path as people write it: `modules[3].every`."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                name = step if _BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False)
                text += f".{name}" if text else name
        return text


class TableError(Exception):
    """A table cannot be structured; `problems` holds everything that is wrong in it."""

    def __init__(self, problems: tuple[KeyProblem, ...]) -> None:
        self.problems = problems
        super().__init__(problems)


class InvalidValue(ValueError):
    """One value cannot be used; the text is "what is wrong; what would be right"."""


class WrongType(InvalidValue):
    """A value is of another type than expected; the text never shows the value."""

    def __init__(self, value: object, expected: Any, remedy: str = "") -> None:
        noun = schema_text.with_article(schema_text.kind(expected))
        remedy = remedy or f"write for example {schema_text.example(expected)}"
        super().__init__(f"is {schema_text.found(value)}, not {noun}; {remedy}")


def split(error: BaseException, otherwise: str) -> tuple[str, str]:
    """Return what is wrong and what would be right, from an error's "WRONG; RIGHT".

    An error without the second part gets `otherwise`.
    """
    text = str(error.args[0] if error.args else "") or type(error).__name__
    wrong, _, remedy = shortened(text, most=500).partition("; ")
    return wrong, remedy or otherwise


def problems_in(error: Exception, path: KeyPath, expected: Any) -> Iterator[KeyProblem]:
    """Yield the problems that a structuring error holds, at every depth of the table."""
    match error:
        case ClassValidationError() | IterableValidationError():
            noted, bare = error.group_exceptions()
            for inner, note in noted:
                step = note.name if isinstance(note, AttributeValidationNote) else note.index
                if isinstance(inner, KeyError) and inner.args == (step,):
                    write = f"write for example {step} = {schema_text.example(note.type)}"
                    yield KeyProblem((*path, step), "is missing", write)
                else:
                    yield from problems_in(inner, (*path, step), note.type)
            for inner in bare:
                yield from problems_in(inner, path, error.cl)
        case ForbiddenExtraKeysError():
            for name in sorted(error.extra_fields):
                yield unknown_key((*path, name), error.cl)
        case RecursionError():
            yield KeyProblem(path, "is nested too deeply", "write it flatter")
        case _:
            yield _problem(error, path, expected)


def unknown_key(path: KeyPath, table: type) -> KeyProblem:
    """Return the problem of a key that the table does not have; name the nearest one it has."""
    known = [field.name for field in schema_text.keys(table)]
    return KeyProblem(path, "is not a known key", advice(str(path[-1]), known, "known here are"))


def _problem(error: Exception, path: KeyPath, expected: Any) -> KeyProblem:
    otherwise = f"write {schema_text.with_article(schema_text.kind(expected))} that fits"
    secretive = any(isinstance(step, str) and SECRETIVE.search(step) for step in path)
    if secretive and not isinstance(error, WrongType):
        return KeyProblem(path, "has a value that cannot be used (it is not shown)", otherwise)
    return KeyProblem(path, *split(error, otherwise))
