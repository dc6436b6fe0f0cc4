"""What merging must know of each key: whether its table is one value, and what names an item."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, get_args

import attrs
from attrs import frozen

from supervisor.config import schema_text
from supervisor.config.layers.tree import Leaf, Node, Table, plain
from supervisor.config.problems import ParamsOf
from supervisor.config.rules import default_name
from supervisor.config.service import Module, Service
from supervisor.errors import ConfigError

NAMED_BY = "named_by"
"""The key of a field's metadata with the keys of an item that name it. Default: `name`."""

Inner: TypeAlias = Callable[[Mapping[str, Node]], "Mapping[str, Shape]"]
"""Returns the shapes of a table's keys. It is given what the table has."""


def _nothing(_: Mapping[str, Node]) -> Mapping[str, Shape]:
    return {}


def _no_name(_: Mapping[str, Node]) -> Hashable:
    return None


@frozen
class Shape:
    """How the value of one key is merged with another one."""

    inner: Inner = _nothing
    """For a table, or an item of a list: the shapes of its keys. Others are of `ANY`."""

    is_value: bool = False
    """Whether a table here is one value, such as a secret or limits."""

    named_by: tuple[str, ...] = ()
    """For a list: the keys that name an item. They may be said again. Empty: it is one value."""

    name_of: Callable[[Mapping[str, Node]], Hashable] = _no_name
    """For a list: returns what names an item, or None."""

    has_enabled: bool = False
    """For a list: whether its items themselves have a key `enabled`."""


ANY = Shape()
"""Tables are merged key by key, and all else is one value."""


def service_shape(params_of: ParamsOf) -> Shape:
    """Return the shape of a service file. A check that is not known may have any parameters."""

    def module(keys: Mapping[str, Node]) -> Mapping[str, Shape]:
        check = plain(keys["check"]) if "check" in keys else None
        try:
            params = _shape(params_of(check)) if isinstance(check, str) else ANY
        except (ConfigError, ValueError):
            params = ANY
        return {**_keys(Module), "params": params}

    modules = Shape(module, named_by=("name", "check"), name_of=_name_of_module, has_enabled=True)
    return Shape(lambda _: {**_keys(Service), "modules": modules})


def _name_of_module(keys: Mapping[str, Node]) -> Hashable:
    given = {key: plain(keys[key]) for key in ("name", "check") if key in keys}
    name = given.get("name", default_name(given))
    return name if isinstance(name, str) and name else None


def _shape(expected: Any) -> Shape:
    if schema_text.is_union(expected):
        shapes = [_shape(member) for member in schema_text.members(expected)]
        return shapes[0] if len(shapes) == 1 else ANY
    if schema_text.is_limit(expected):
        return Shape(is_value=True)
    if schema_text.is_list(expected):
        (item, *_) = get_args(expected)
        return _list(item, ("name",) if _requires(item, "name") else ()) if _is_table(item) else ANY
    if _is_table(expected):
        return Shape(lambda _: _keys(expected))
    # The class of a secret has a notation of its own.
    return Shape(is_value=isinstance(expected, type) and attrs.has(expected))


def _is_table(expected: Any) -> bool:
    """Return whether the type is a class whose fields are the keys of a table."""
    return attrs.has(expected) and schema_text.kind(expected) == "table"


def _requires(table: type, key: str) -> bool:
    field = attrs.fields_dict(table).get(key) if attrs.has(table) else None
    return field is not None and field.default is attrs.NOTHING


@lru_cache(256)
def _keys(table: type) -> Mapping[str, Shape]:
    """Return the shapes of the keys of a class."""
    found = {}
    for field in schema_text.keys(table):
        named_by = field.metadata.get(NAMED_BY)
        (item, *_) = (*get_args(field.type), None)
        shape = _list(item, tuple(named_by)) if named_by and _is_table(item) else _shape(field.type)
        found[schema_text.key_name(field)] = shape
    return found


def _list(item: Any, named_by: tuple[str, ...]) -> Shape:
    def name_of(keys: Mapping[str, Node]) -> Hashable:
        given = (keys.get(key) for key in named_by)
        name = tuple(each.value if isinstance(each, Leaf) else None for each in given)
        return name if any(each is not None for each in name) else None

    return Shape(
        lambda _: _keys(item),
        named_by=named_by,
        name_of=name_of if named_by else _no_name,
        has_enabled="enabled" in attrs.fields_dict(item),
    )


def name_of(shape: Shape, item: Node) -> Hashable:
    """Return what names an item of a list, or None."""
    return shape.name_of(item.keys) if isinstance(item, Table) else None
