"""Structure TOML tables into attrs classes, strictly, and find everything that is wrong at once.

`load` uses it for the service file itself and for the parameters of each check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs
from cattrs import (
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from supervisor.config import schema_text, strict
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.limits.limit import CLEAR, EVENT_TYPES, Limit
from supervisor.config.problems import InvalidValue, KeyPath, TableError, WrongType
from supervisor.config.secret import Secret
from supervisor.config.strict import Hook, exactly
from supervisor.observations import Duration, Size
from supervisor.text import advice, shortened

T = TypeVar("T")


class Unsupported(Exception):
    """A class declares a type that no service file can give."""


def structure(value: object, expected: type[T], path: KeyPath = ()) -> T:
    """Return the value as the expected class.

    Raises `TableError` with everything that is wrong in the value. Raises `Unsupported` when the
    class itself cannot be used.
    """
    try:
        hook = CONVERTER.get_structure_hook(expected)
    except Exception as error:  # a check's annotations may be anything
        raise Unsupported(str(error)) from error
    try:
        return hook(value, expected)  # type: ignore[no-any-return]  # hooks are untyped
    except Exception as error:  # a validator of a check may raise anything
        from supervisor.config.explain.structuring import problems_in  # only errors need it

        problems = tuple(problems_in(error, path, expected))
    # Raised outside the `except`: no traceback may lead to the values, which may be secrets.
    raise TableError(problems)


def table_hook(
    cls: type[Any],
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    **hooks: Hook,
) -> Hook:
    """Return the hook that structures a table to an attrs class. It refuses unknown keys.

    `prepare` may complete the table. `hooks` read the keys whose type alone does not tell which
    values are right.
    """
    schema_text.keys(cls)  # resolves its annotations
    overrides = {
        key.name: override(rename=schema_text.key_name(key), struct_hook=hooks.get(key.name))
        for key in attrs.fields(cls)
    }
    build = make_dict_structure_fn(cls, CONVERTER, _cattrs_use_linecache=False, **overrides)  # type: ignore[arg-type]  # mypy takes them for the named options

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise WrongType(value, cls)
        table = prepare(value) if prepare else value
        try:
            return build(table, cls)
        except ClassValidationError as error:
            refused = [] if _has_notes(error) else _refused_by_validators(cls, table)
            if not refused:
                raise
        raise ClassValidationError(f"cannot structure {cls.__name__}", refused, cls)

    return hook


def _has_notes(error: ClassValidationError) -> bool:
    noted, bare = error.group_exceptions()
    return bool(noted) or any(isinstance(inner, ForbiddenExtraKeysError) for inner in bare)


def _refused_by_validators(cls: type[Any], table: Mapping[str, Any]) -> list[Exception]:
    """Return the error of each validator with its key, which attrs does not add."""
    instance = object.__new__(cls)
    fields = attrs.fields(cls)
    for field in fields:
        value = field.default
        if (key := schema_text.key_name(field)) in table:
            value = CONVERTER.structure(table[key], field.type)
        elif isinstance(value, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
            value = value.factory(instance) if value.takes_self else value.factory()
        object.__setattr__(instance, field.name, value)
    refused: list[Exception] = []
    for field in fields:
        if field.validator is not None and schema_text.key_name(field) in table:
            try:
                field.validator(instance, field, getattr(instance, field.name))
            except Exception as error:
                error.add_note(AttributeValidationNote("", field.name, field.type))
                refused.append(error)
    return refused


def _any(value: Any, expected: Any) -> Any:
    if isinstance(value, list):
        return CONVERTER.structure(value, list[Any])
    if isinstance(value, Mapping):
        return CONVERTER.structure(value, dict[str, Any])
    if isinstance(value, float):
        return strict.number(value, expected)
    return exactly(bool, int, str)(value, expected)


def _literal_hook(expected: Any) -> Hook:
    arguments = get_args(expected)

    def hook(value: Any, _: Any) -> Any:
        for argument in arguments:
            if type(value) is type(argument) and value == argument:
                return argument
        if not isinstance(value, str):
            raise WrongType(value, expected)
        remedy = advice(value, map(str, arguments))
        raise InvalidValue(f"'{shortened(value)}' is not known here; {remedy}")

    return hook


def _union_hook(expected: Any) -> Hook:
    members = schema_text.members(expected)
    hooks = [(member, CONVERTER.get_structure_hook(member)) for member in members]

    def hook(value: Any, _: Any) -> Any:
        errors: list[Exception] = []
        for member, structure_member in hooks:
            try:
                return structure_member(value, member)
            except Exception as error:  # the next member may accept it
                errors.append(error)
        # A member whose type fits knows best what is wrong.
        kindred = [error for error in errors if not isinstance(error, WrongType)]
        if kindred or len(errors) == 1:
            raise (kindred or errors)[0]
        raise WrongType(value, expected)

    return hook


def list_hook(expected: Any, structure_member: Hook | None = None) -> Hook:
    """Return the hook for a list or tuple.

    `structure_member` reads each member, else the hook of the members' type.
    """
    member = get_args(expected)[0]
    structure_each = structure_member or CONVERTER.get_structure_hook(member)
    make = list if get_origin(expected) is list else tuple
    brackets = "write [[…]] with two brackets" if attrs.has(member) else ""

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise WrongType(value, expected, brackets if isinstance(value, Mapping) else "")
        return make(_each(enumerate(value), structure_each, member).values())

    return hook


def _mapping_hook(expected: Any) -> Hook:
    member = get_args(expected)[1]
    structure_member = CONVERTER.get_structure_hook(member)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise WrongType(value, expected)
        return _each(value.items(), structure_member, member)

    return hook


def _each(items: Any, structure_member: Hook, member: Any) -> dict[Any, Any]:
    structured, errors = {}, []
    for index, value in items:
        try:
            structured[index] = structure_member(value, member)
        except Exception as error:  # all of them are reported together
            error.add_note(IterableValidationNote("", index, member))
            errors.append(error)
    if errors:
        raise IterableValidationError("cannot structure the items", errors, dict)
    return structured


def _limit_hook(expected: Any) -> Hook:
    (member,) = get_args(expected)
    structure_number = CONVERTER.get_structure_hook(member)

    def structure_level(item: tuple[str, Any], _: Any) -> Any:
        name, number = item
        if name not in (*EVENT_TYPES, CLEAR):
            raise _not_an_event_type(name)
        return structure_number(number, member)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            return Limit.of(structure_number(value, member))
        numbers = _each(((item[0], item) for item in value.items()), structure_level, member)
        clear = numbers.pop(CLEAR, None)
        if not numbers:
            raise InvalidValue("has no event type; write { W = …, E = … }, or a number alone")
        return Limit(tuple(numbers.items()), clear)

    return hook


def _not_an_event_type(name: str) -> InvalidValue:
    from supervisor.config.warnings import texts  # only errors need it

    meant = texts.EVENT_TYPES.get(name.lower())
    remedy = f"did you mean '{meant}'?" if meant in EVENT_TYPES else ""
    known = (*EVENT_TYPES, CLEAR)
    return InvalidValue(f"is not an event type of a limit; {remedy or advice(name, known)}")


def _is_any(expected: object) -> bool:
    return expected in (Any, object)


CONVERTER = Converter(forbid_extra_keys=True, detailed_validation=True)
"""Knows every type that a service file may give."""

for _type, _hook in (
    (str, exactly(str)),
    (bool, exactly(bool)),
    (int, exactly(int)),
    (float, strict.number),
    (Path, strict.path),
    (Calendar, strict.calendar),
    (Secret, strict.secret),
    (ZoneInfo, strict.timezone),
    (Duration, strict.duration),
    (Size, strict.size),
):
    CONVERTER.register_structure_hook(_type, _hook)
CONVERTER.register_structure_hook_func(_is_any, _any)
for _predicate, _factory in (
    (schema_text.is_list, lambda expected: list_hook(expected)),
    (schema_text.is_mapping, _mapping_hook),
    (schema_text.is_union, _union_hook),
    (schema_text.is_literal, _literal_hook),
    (attrs.has, table_hook),
    (schema_text.is_limit, _limit_hook),
):
    CONVERTER.register_structure_hook_factory(_predicate, _factory)
