"""A file that is split at random into a family, a host and fragments stays the same service."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from attrs import define, evolve, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.commands.show import as_toml
from supervisor.config.explain.report import Places
from supervisor.config.files import Source
from supervisor.config.layers.shape import ANY, Shape, name_of, service_shape
from supervisor.config.layers.tree import Items, Leaf, Node, Table, plain, tree
from supervisor.modules.loader import load_check
from tests.support.layered_files import load

ROOT = Path(__file__).parents[3]
CONFIGS = [
    path
    for path in sorted((ROOT / "configs").glob("*.toml"))
    if "extends" not in tomllib.loads(path.read_text(encoding="utf-8"))
]
FILES = ("families/Split.toml", "Split.toml", "Split.d/10-a.toml", "Split.d/20-b.toml")
TYPES = {bool: "boolean", int: "integer", float: "number", str: "text"}
SHAPE = service_shape(lambda check: load_check(check).params)


@define
class Splitter:
    """Deals the values of a document out to some files, and puts variables in place of some."""

    data: st.DataObject
    parts: tuple[dict[str, Any], ...] = field(factory=lambda: tuple({} for _ in FILES))
    variables: int = 0

    def deal(self, table: Table, shape: Shape, to: tuple[dict[str, Any], ...]) -> None:
        """Give each value of a table to one file."""
        inner = shape.inner(table.keys)
        for key, node in table.keys.items():
            below = inner.get(key, ANY)
            if key in shape.named_by:
                to[0][key] = plain(node)  # the family names each item, which keeps their order
            elif isinstance(node, Table) and not below.is_value and node.keys:
                self.deal(node, below, tuple(part.setdefault(key, {}) for part in to))
            elif isinstance(node, Items) and below.named_by and all_named(node, below):
                lists = tuple(part.setdefault(key, []) for part in to)
                for each in node.nodes:
                    assert isinstance(each, Table)
                    named = {n: plain(each.keys[n]) for n in below.named_by if n in each.keys}
                    items = tuple(dict(named) for _ in to)
                    self.deal(each, below, items)
                    for some, item in zip(lists, items, strict=True):
                        some.append(item)
            else:
                self.choose(to)[key] = self.value(node)

    def choose(self, to: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        return to[self.data.draw(st.integers(0, len(to) - 1), label="file")]

    def value(self, node: Node) -> Any:
        """Return a value, or a variable that has it."""
        kind = TYPES.get(type(plain(node)))
        if not isinstance(node, Leaf) or kind is None or self.data.draw(st.booleans(), label="var"):
            return plain(node)
        self.variables += 1
        name = f"v{self.variables}"
        declared: dict[str, Any] = {"type": kind}
        if self.data.draw(st.booleans(), label="default"):
            declared["default"] = node.value
        else:
            self.choose(self.parts).setdefault("vars", {})[name] = node.value
        # What is declared and what is given in one file would be one key.
        place = next(p for p in self.parts if name not in p.get("vars", {}))
        place.setdefault("vars", {})[name] = declared
        return {"var": name}


def all_named(items: Items, shape: Shape) -> bool:
    names = [name_of(shape, each) for each in items.nodes]
    return None not in names and len({*names}) == len(names) > 0


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with all that the shipped service files name."""
    found = tmp_path_factory.mktemp("split")
    shutil.copytree(ROOT / "configs", found, dirs_exist_ok=True)
    for name in FILES:
        (found / name).parent.mkdir(exist_ok=True)
    return found


def split(document: Mapping[str, Any], data: st.DataObject) -> Iterator[tuple[str, str]]:
    """Yield the files of a document that is split, with their texts."""
    splitter = Splitter(data)
    splitter.deal(tree(Source(Path("x.toml"), "", document)), SHAPE, splitter.parts)
    splitter.parts[1]["extends"] = FILES[0]
    for name, part in zip(FILES, splitter.parts, strict=True):
        yield name, tomli_w.dumps(part)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_split_is_the_same_service(
    path: Path, directory: Path, data: st.DataObject
) -> None:
    whole = load(directory / path.name)
    for name, text in split(tomllib.loads(path.read_text(encoding="utf-8")), data):
        (directory / name).write_text(text, encoding="utf-8")
    found = load(directory / "Split.toml")
    places = Places.in_use(found)
    assert places.effective is not None
    shown = directory / "Shown.toml"
    shown.write_text(as_toml(places.effective, places, with_origins=True), encoding="utf-8")

    assert evolve(found, path=whole.path) == whole
    assert evolve(load(shown), path=whole.path) == whole
