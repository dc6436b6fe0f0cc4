"""Each list of tables of the checks that come along has a name for its items, or is one value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs

from supervisor.config import schema_text
from supervisor.config.files import Source
from supervisor.config.layers.shape import NAMED_BY, service_shape
from supervisor.config.layers.tree import Leaf, Origin
from supervisor.config.service import Service
from supervisor.modules.loader import known_checks, load_check

ONE_VALUE = {"modules.during", "pnr_report.databases", "talk.servers.steps"}
"""Lists whose items have no name. They are in an order, or may be alike."""

ORIGIN = Origin(Source(Path("a.toml"), "", {}), ())


def lists(table: Any, name: str) -> Iterator[tuple[str, attrs.Attribute[Any], Any]]:
    """Yield the lists of tables at or below a class, each with the class of its items."""
    for field in schema_text.keys(table):
        for item in (field.type, *get_args(field.type)):
            if attrs.has(item) and schema_text.kind(item) == "table":
                key = f"{name}.{schema_text.key_name(field)}".removeprefix(".")
                if schema_text.is_list(field.type):
                    yield key, field, item
                yield from lists(item, key)


def all_lists() -> Iterator[tuple[str, attrs.Attribute[Any], Any]]:
    yield from lists(Service, "")
    for check in known_checks():
        yield from lists(load_check(check).params, check)


def needs_a_name(item: type) -> bool:
    name = attrs.fields_dict(item).get("name")
    return name is not None and name.default is attrs.NOTHING


def test_items_have_names_or_are_known_to_have_none() -> None:
    unnamed = {
        key
        for key, field, item in all_lists()
        if NAMED_BY not in field.metadata
        and not (
            "name" in attrs.fields_dict(item)
            and attrs.fields_dict(item)["name"].default is attrs.NOTHING
        )
    }

    assert unnamed == ONE_VALUE


def test_what_names_an_item_is_a_key_of_it() -> None:
    wrong = [
        key
        for key, field, item in all_lists()
        if not {*field.metadata.get(NAMED_BY, ())} <= {*attrs.fields_dict(item)}
    ]

    assert wrong == []


def test_a_check_that_is_not_known_may_have_any_parameters() -> None:
    def unknown(_: str) -> type:
        raise ValueError("there is no such check")

    modules = service_shape(unknown).inner({})["modules"]

    assert modules.inner({"check": Leaf("x", ORIGIN)})["params"].inner({}) == {}
