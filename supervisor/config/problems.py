"""What is wrong in a table: each fault at its key, with what would be right."""

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

SECRETIVE = re.compile(r"pass(word|wd|phrase)?$|pwd|secret|token|api_?key", re.IGNORECASE)
"""Keys whose values are never shown, whatever type they were given."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Fault:
    """One thing wrong at one key, and what would be right."""

    path: KeyPath
    wrong: str
    remedy: str

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


class Faulty(Exception):
    """A table could not be structured; `faults` holds everything found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(faults)


class Invalid(ValueError):
    """A value cannot be used; the text is "what is wrong; what would be right"."""


class WrongKind(Invalid):
    """A value of another type than expected; the text never shows it."""

    def __init__(self, value: object, expected: Any, remedy: str = "") -> None:
        noun = schema_text.with_article(schema_text.kind(expected))
        remedy = remedy or f"write for example {schema_text.example(expected)}"
        super().__init__(f"is {schema_text.found(value)}, not {noun}; {remedy}")


def split(error: BaseException, otherwise: str) -> tuple[str, str]:
    """Return an error's "what is wrong; what would be right" as the two."""
    text = str(error.args[0] if error.args else "") or type(error).__name__
    wrong, _, remedy = shortened(text, most=500).partition("; ")
    return wrong, remedy or otherwise


def faults_of(error: Exception, path: KeyPath, expected: Any) -> Iterator[Fault]:
    """Yield what a structuring error holds, wherever in the table it was found."""
    match error:
        case ClassValidationError() | IterableValidationError():
            noted, bare = error.group_exceptions()
            for inner, note in noted:
                step = note.name if isinstance(note, AttributeValidationNote) else note.index
                if isinstance(inner, KeyError) and inner.args == (step,):
                    write = f"write for example {step} = {schema_text.example(note.type)}"
                    yield Fault((*path, step), "is missing", write)
                else:
                    yield from faults_of(inner, (*path, step), note.type)
            for inner in bare:
                yield from faults_of(inner, path, error.cl)
        case ForbiddenExtraKeysError():
            for name in sorted(error.extra_fields):
                yield unknown_key((*path, name), error.cl)
        case RecursionError():
            yield Fault(path, "is nested too deeply", "write it flatter")
        case _:
            yield _fault(error, path, expected)


def unknown_key(path: KeyPath, table: type) -> Fault:
    """Return the fault of a key that the table does not have, with the nearest that it has."""
    known = [field.name for field in schema_text.keys(table)]
    return Fault(path, "is no known key", advice(str(path[-1]), known, "known here are"))


def _fault(error: Exception, path: KeyPath, expected: Any) -> Fault:
    otherwise = f"write {schema_text.with_article(schema_text.kind(expected))} that fits"
    secretive = any(isinstance(step, str) and SECRETIVE.search(step) for step in path)
    if secretive and not isinstance(error, WrongKind):
        return Fault(path, "has a value that cannot be used (it is not shown)", otherwise)
    return Fault(path, *split(error, otherwise))
