"""Any file is read or refused with a `ConfigError`: property tests."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from tests.support.service_file import FULL, params_of


def load_or_refuse(text: bytes) -> None:
    """Load a file of these bytes; anything but a service or a `ConfigError` is a failure."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text)
        file.flush()
        said = []
        try:
            load_service(Path(file.name), params_of)
        except ConfigError as error:
            said = [str(problem) for problem in error.problems] or [""]
    assert all(said)
    assert not any("\n" in line for line in said)


SCALARS = (
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["5m", "09:00", "09:00-10:00", "127.0.0.1:1", "http://[::1", "plain", "UTC"])
    | st.datetimes()
    | st.dates()
    | st.times()
)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of each key and item of a document."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    here = [(*path, key) for key, _ in items]
    return here + [place for key, inner in items for place in places(inner, (*path, key))]


@given(place=st.sampled_from(places(tomllib.loads(FULL))), value=VALUES, data=st.data())
def test_any_value_at_any_key_is_read_or_refused(
    place: tuple[Any, ...], value: object, data: st.DataObject
) -> None:
    document = tomllib.loads(FULL)
    table: Any = document
    for step in place[:-1]:
        table = table[step]
    if data.draw(st.booleans(), label="remove the key"):
        del table[place[-1]]
    else:
        table[place[-1]] = value

    load_or_refuse(tomli_w.dumps(document).encode("utf-8", "replace"))


@given(document=st.dictionaries(st.text(max_size=10), VALUES, max_size=4))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    load_or_refuse(tomli_w.dumps(document).encode("utf-8", "replace"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    load_or_refuse(text)


@given(cut=st.integers(0, len(FULL)), length=st.integers(0, 20), put=st.binary(max_size=5))
def test_a_damaged_file_is_read_or_refused(cut: int, length: int, put: bytes) -> None:
    text = FULL.encode()
    load_or_refuse(text[:cut] + put + text[cut + length :])
