"""Merging compared with a model of it: files are lists of statements, in their order.

The model knows no trees. It flattens each file to statements, each with the path of a value. An
item of a named list has its name in the path.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.files import Source
from supervisor.config.layers.merge import merged
from supervisor.config.layers.shape import Shape
from supervisor.config.layers.tree import Items, Leaf, Node, Table, plain, tree

Statement: TypeAlias = tuple[tuple[Hashable, ...], Any, bool]
"""The path of a value, the value, and whether its table has `override = true`."""


def name_of(keys: Mapping[str, Node]) -> Hashable:
    return plain(keys["name"]) if "name" in keys else None


def inner(_: Mapping[str, Node]) -> Mapping[str, Shape]:
    return {"value": Shape(is_value=True), "table": Shape(inner), "items": ITEMS}


ITEMS = Shape(inner, named_by=("name",), name_of=name_of)
SHAPE = Shape(inner)

LEAVES = st.integers(0, 9)
MARKS = st.fixed_dictionaries({}, optional={"override": st.booleans()})
SIMPLE = st.fixed_dictionaries(
    {},
    optional={
        "a": LEAVES,
        "b": LEAVES,
        "list": st.lists(LEAVES, max_size=2),
        "value": st.fixed_dictionaries({}, optional={"W": LEAVES, "E": LEAVES}),
    },
)


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables with the keys of several."""
    return st.tuples(*parts).map(lambda each: {k: v for part in each for k, v in part.items()})


def tables(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if depth == 0:
        return joined(SIMPLE, MARKS)
    below = st.deferred(lambda: tables(depth - 1))
    inside = st.fixed_dictionaries({}, optional={"table": below, "items": items(below)})
    return joined(SIMPLE, MARKS, inside)


def items(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return lists of items. A name occurs once in a list, and an item may have none."""
    own = st.fixed_dictionaries(
        {}, optional={"name": st.sampled_from("xyz"), "enabled": st.booleans()}
    )
    unique = itertools.count()
    return st.lists(
        joined(own, below), max_size=3, unique_by=lambda each: each.get("name", next(unique))
    )


DOCUMENTS = tables(2)
FILES = st.lists(DOCUMENTS, min_size=1, max_size=4)


@define
class Model:
    """The reference: statements in their order."""

    said: dict[tuple[Hashable, ...], Any] = field(factory=dict)
    """The value of each path."""

    by: dict[tuple[Hashable, ...], int] = field(factory=dict)
    """The file that said it."""

    twice: list[tuple[int, Any]] = field(factory=list)
    """The file and the value of each second definition."""

    _unnamed: Iterator[int] = field(factory=itertools.count)

    def take(self, number: int, document: Mapping[str, Any]) -> None:
        """Take the statements of a file."""
        for path, value, override in self.statements(document, ()):
            if path not in self.said or override:
                self.said[path], self.by[path] = value, number
            elif value not in (TABLE, LIST, ITEM):
                self.twice.append((number, value))

    def statements(
        self, table: Mapping[str, Any], path: tuple[Hashable, ...]
    ) -> Iterator[Statement]:
        override = table.get("override", False)
        for key, value in table.items():
            at = (*path, key)
            if key == "table":
                yield at, TABLE, False
                yield from self.statements(value, at)
            elif key == "items":
                yield at, LIST, False
                for item in value:
                    name = item.get("name") or next(self._unnamed)
                    yield (*at, name), ITEM, False
                    yield from self.statements(item, (*at, name))
            elif key not in ("override", "name"):
                yield at, value, override

    def without_disabled(self) -> tuple[dict[tuple[Hashable, ...], Any], int]:
        """Return what is said in the end, and how often an item switches off only itself."""
        off = {path[:-1] for path, value in self.said.items() if is_switch(path) and not value}
        gone = [path for path in off if not any(is_below(path, other) for other in off)]
        alone = sum(self.by[each] == self.by[(*each, "enabled")] for each in gone)
        kept = {
            path: value
            for path, value in self.said.items()
            if not any(path[: len(each)] == each for each in off) and not is_switch(path)
        }
        return kept, alone


TABLE, LIST, ITEM = "a table", "a list", "an item"
"""Statements that something is there. They may be said again."""


def is_switch(path: tuple[Hashable, ...]) -> bool:
    return path[-1] == "enabled"


def is_below(path: tuple[Hashable, ...], other: tuple[Hashable, ...]) -> bool:
    return path != other and path[: len(other)] == other


def merge(documents: Sequence[Mapping[str, Any]]) -> tuple[Table, list[str]]:
    """Return the merged tree and the words of its faults."""
    sources = [Source(Path(f"{n}.toml"), "", each) for n, each in enumerate(documents)]
    whole, faults = merged(map(tree, sources), SHAPE)
    return whole, [fault.wrong for fault in faults]


def flat(document: Mapping[str, Any]) -> dict[tuple[Hashable, ...], Any]:
    """Return what one document says, by paths. Items without a name are counted."""
    return {path: value for path, value, _ in Model().statements(document, ())}


def anonymous(said: Mapping[tuple[Hashable, ...], Any]) -> list[str]:
    """Return statements without the numbers of items that have no name, in no order."""
    return sorted(
        repr((["?" if isinstance(step, int) else step for step in path], value))
        for path, value in said.items()
    )


@given(FILES)
def test_merging_does_what_the_model_does(documents: list[dict[str, Any]]) -> None:
    model = Model()
    for number, document in enumerate(documents):
        model.take(number, document)
    whole, faults = merge(documents)
    said, alone = model.without_disabled()

    assert anonymous(flat(plain(whole))) == anonymous(said)
    assert len(model.twice) == sum("given twice" in each for each in faults)
    assert alone == sum("switches off" in each for each in faults)


@given(FILES)
def test_each_value_is_what_its_place_says(documents: list[dict[str, Any]]) -> None:
    for leaf in leaves(merge(documents)[0]):
        said: Any = leaf.origin.source.table
        for step in leaf.origin.path:
            said = said[step]

        assert said == leaf.value


def leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
        return
    for each in node.nodes if isinstance(node, Items) else node.keys.values():
        yield from leaves(each)


@given(FILES, st.randoms(use_true_random=False))
def test_without_override_the_order_of_files_is_the_order_of_items_alone(
    documents: list[dict[str, Any]], random: Any
) -> None:
    others = [without(document, "override") for document in documents]
    shuffled = random.sample(others, len(others))
    first, faults = merge(others)
    second, others_faults = merge(shuffled)

    assert bool(faults) == bool(others_faults)
    if not faults:
        assert anonymous(flat(plain(first))) == anonymous(flat(plain(second)))


def without(value: Any, key: str) -> Any:
    """Return a value without a key, at every depth."""
    if isinstance(value, dict):
        return {name: without(each, key) for name, each in value.items() if name != key}
    return [without(each, key) for each in value] if isinstance(value, list) else value


@given(st.lists(DOCUMENTS, min_size=2, max_size=3))
def test_the_last_of_several_overrides_counts(documents: list[dict[str, Any]]) -> None:
    marked = [
        {"override": True, "a": number, **document} for number, document in enumerate(documents)
    ]
    last = {**marked[-1], "a": "last", "override": True}
    whole, _ = merge([*marked, last])

    assert plain(whole)["a"] == "last"


@given(DOCUMENTS)
def test_a_file_alone_stays_as_it_is_but_for_its_marks(document: dict[str, Any]) -> None:
    one = without(without(document, "override"), "enabled")
    whole, faults = merge([one])

    assert (plain(whole), faults) == (one, [])


@pytest.mark.parametrize(
    ("below", "above"),
    [
        ({"a": 1}, {"a": {"b": 1}}),
        ({"table": {"a": 1}}, {"table": 1}),
        ({"items": [{"name": "x"}]}, {"items": 1}),
        ({"items": 1}, {"items": [{"name": "x"}]}),
        ({"value": {"W": 1}}, {"value": 2}),
    ],
)
def test_values_of_other_kinds_are_one_value(below: dict[str, Any], above: dict[str, Any]) -> None:
    whole, faults = merge([below, above])
    replaced, none = merge([below, {**above, "override": True}])

    assert (plain(whole), len(faults)) == (below, 1)
    assert (plain(replaced), none) == (above, [])


def test_a_value_twice_in_one_list_is_told() -> None:
    twice = {"items": [{"name": "x", "a": 1}, {"name": "x", "a": 2}]}
    whole, faults = merge([{"items": [{"name": "x"}]}, twice])

    assert plain(whole) == {"items": [{"name": "x", "a": 1}]}
    assert faults == ["is given twice, first in"]
    assert plain(merge([twice])[0]) == twice
