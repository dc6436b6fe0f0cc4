"""What is written of a document is TOML that says the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.files import Source
from supervisor.config.layers.tree import Origin, plain, tree
from supervisor.config.layers.written import lines
from tests.config.layers.test_merge import FILES, merge

SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.dates()
    | st.times()
    | st.datetimes()
)
NAMES = st.sampled_from(["modules", "params", "a", "b.c", "", "key\u007f", "é"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


def line_of(origin: Origin) -> int:
    """Return a line that some values share and others do not."""
    return sum(map(len, map(str, origin.path))) % 3


def read_again(document: Any) -> Any:
    return tomllib.loads("\n".join(each.text for each in lines(document, line_of)))


@given(DOCUMENTS)
def test_any_document_is_written_and_read_again(document: dict[str, Any]) -> None:
    assert document == read_again(tree(Source(Path("a.toml"), "", document)))


@given(FILES)
def test_merged_files_are_written_and_read_again(documents: list[dict[str, Any]]) -> None:
    whole, _ = merge(documents)

    assert plain(whole) == read_again(whole)


@given(FILES)
def test_each_line_with_a_value_has_a_place(documents: list[dict[str, Any]]) -> None:
    found = [each for each in lines(merge(documents)[0], line_of) if each.origin is None]

    assert all(each.text[:1] in ("", "[", "]") or each.text.endswith(" = [") for each in found)
