"""The file of local airport codes: lists, objects, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._reports.airports import parse, read
from supervisor.api import CheckFailed

codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=4)


def parsed(raw: bytes) -> tuple[tuple[str, ...], str]:
    """Return the codes, or else what is wrong."""
    try:
        return parse(raw), ""
    except ValueError as error:
        return (), str(error)


@given(st.lists(codes, min_size=1))
def test_a_list_and_an_object_of_codes_are_the_same(given_codes: list[str]) -> None:
    expected = tuple(sorted(set(given_codes)))
    by_name = dict.fromkeys(given_codes, "인천")
    lower = [code.lower() for code in given_codes]

    assert parse(json.dumps(given_codes).encode()) == expected
    assert parse(json.dumps(by_name).encode()) == expected
    assert (
        parse(json.dumps({"airports": lower, "more": given_codes}).encode("utf-8-sig")) == expected
    )


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_any_bytes_are_codes_or_a_clear_error(raw: bytes) -> None:
    found, wrong = parsed(raw)

    assert bool(found) != bool(wrong)
    assert all(code.isupper() and 3 <= len(code) <= 4 for code in found)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=4)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=4), inner)),
    )
)
def test_any_json_is_codes_or_a_clear_error(value: object) -> None:
    found, wrong = parsed(json.dumps(value).encode())

    assert bool(found) != bool(wrong)
    assert all(len(code) in (3, 4) for code in found)


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        (b"", "line 1 is not JSON: Expecting value"),
        (b'["ICN",\n "GMP"', "line 2 is not JSON: Expecting ',' delimiter"),
        (b"\xff", "it is not UTF-8"),
        (b"[" * 100_000, "it is not JSON, or it is nested too deeply"),
        (b'"ICN"', "it holds neither a list nor an object"),
        (b"{}", "it holds no airport"),
        (b'{"KOR": []}', "it holds no airport"),
        (b"[123]", "123 is not an airport code"),
        (b'["ICN", "Incheon"]', "'Incheon' is not an airport code"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, raw: bytes, wrong: str) -> None:
    path = tmp_path / "airports.json"
    path.write_bytes(raw)
    with pytest.raises(CheckFailed) as caught:
        read(path)

    assert str(caught.value).startswith(f"cannot use the airports file {path}: {wrong}")
    assert 'write for example ["ICN", "GMP"]' in str(caught.value)


def test_a_pipe_and_a_huge_file_are_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(b" " * (1 << 20) + b"[]")

    for name, wrong in (("pipe", "it is not a regular file"), ("huge", "it is larger than 1 MiB")):
        with pytest.raises(CheckFailed, match=f"cannot read the airports file .*{name}: {wrong}"):
            read(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"cannot read the airports file .*none: No such file"):
        read(tmp_path / "none")
