"""What is wrong in a table: each problem at its key, with what would be right.

`InvalidValue` is raised where one value is read. `TableError` holds the `KeyProblem`s of a whole
table. `explain.report` adds file and line to each and makes it a `supervisor.errors.Problem`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import frozen

from supervisor.config import schema_text
from supervisor.text import advice, shortened

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: names of keys and positions in lists."""

ParamsOf: TypeAlias = Callable[[str], type]
"""Returns the `Params` class of a check by its name.

Raises `ConfigError` or `ValueError` when there is no such check.
"""

UNKNOWN_KEY = "is not a known key"
"""What is wrong with a key that its table does not have."""

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
    first: KeyPath = ()
    """Where the same was said before. Its line is added to what is wrong."""

    @property
    def key(self) -> str:
        """Return the path as people write it: `modules[3].every`."""
        return key_text(self.path)


def key_text(path: KeyPath) -> str:
    """Return a path as people write it: `modules[3].every`."""
    text = ""
    for step in path:
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
    """A value is of another type than expected; the text never shows the value.

    The remedy may, if the key is not that of a secret: `"80"` becomes `80`.
    """

    def __init__(self, value: object, expected: Any, remedy: str = "") -> None:
        self.value, self.expected, self.remedy = value, expected, remedy
        noun = schema_text.with_article(schema_text.kind(expected))
        super().__init__(f"is {schema_text.found(value)}, not {noun}")


def split(error: BaseException, otherwise: str) -> tuple[str, str]:
    """Return what is wrong and what would be right, from an error's "WRONG; RIGHT".

    An error without the second part gets `otherwise`.
    """
    text = str(error.args[0] if error.args else "") or type(error).__name__
    wrong, _, remedy = shortened(text, most=500).partition("; ")
    return wrong, remedy or otherwise


def unknown_key(path: KeyPath, table: type) -> KeyProblem:
    """Return the problem of a key that the table does not have; name the nearest one it has."""
    known = [schema_text.key_name(field) for field in schema_text.keys(table)]
    return KeyProblem(path, UNKNOWN_KEY, advice(str(path[-1]), known, "known here are"))
