"""The problems that an error of cattrs holds, each at its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import attrs
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.errors import AttributeValidationNote

from supervisor.config import schema_text
from supervisor.config.explain import values
from supervisor.config.problems import (
    SECRETIVE,
    KeyPath,
    KeyProblem,
    WrongType,
    split,
    unknown_key,
)

Field: TypeAlias = "attrs.Attribute[Any]"
"""A key of a table, as its class declares it."""


def problems_in(
    error: Exception, path: KeyPath, expected: Any, field: Field | None = None
) -> Iterator[KeyProblem]:
    """Yield the problems that a structuring error holds, at every depth of the table.

    `field` is the key that the value belongs to, if it is one of an attrs class.
    """
    match error:
        case ClassValidationError() | IterableValidationError():
            noted, bare = error.group_exceptions()
            for inner, note in noted:
                own: Field | None = None
                step: str | int
                if isinstance(note, AttributeValidationNote):
                    own = _field(error.cl, note.name)
                    step = schema_text.key_name(own) if own else note.name
                else:
                    step = note.index
                if isinstance(inner, KeyError) and inner.args == (step,):
                    remedy = values.remedy_for_a_missing_key(step, own, note.type)
                    yield KeyProblem((*path, step), "is missing", remedy)
                else:
                    yield from problems_in(inner, (*path, step), note.type, own)
            for inner in bare:
                yield from problems_in(inner, path, error.cl)
        case ForbiddenExtraKeysError():
            for name in sorted(error.extra_fields):
                yield unknown_key((*path, name), error.cl)
        case RecursionError():
            yield KeyProblem(path, "is nested too deeply", "write it flatter")
        case _:
            yield _problem(error, path, expected, field)


def _field(table: type, name: str) -> Field | None:
    return attrs.fields_dict(table).get(name) if attrs.has(table) else None


def _problem(error: Exception, path: KeyPath, expected: Any, field: Field | None) -> KeyProblem:
    otherwise = f"write {schema_text.with_article(schema_text.kind(expected))} that fits"
    secretive = any(isinstance(step, str) and SECRETIVE.search(step) for step in path)
    if isinstance(error, WrongType):
        remedy = error.remedy or values.remedy_for_a_wrong_type(
            error.value, error.expected, field, may_show=not secretive
        )
        names = ".".join(step for step in path if isinstance(step, str))
        return KeyProblem(path, str(error), remedy.replace("[[…]]", f"[[{names}]]"))
    if secretive:
        return KeyProblem(path, "has a value that cannot be used (it is not shown)", otherwise)
    return KeyProblem(path, *split(error, otherwise))
