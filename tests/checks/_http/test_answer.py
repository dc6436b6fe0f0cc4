"""What `http` refuses in an answer and in its parameters, without any server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._http.answer import HttpAnswer, problems, value_at
from checks._http.target import Target, status_ranges
from supervisor.api import Limit


@given(st.lists(st.one_of(st.integers(), st.text(max_size=9)), max_size=4).map(tuple))
def test_statuses_are_understood_or_refused(written: tuple[int | str, ...]) -> None:
    try:
        found = status_ranges(written)
    except ValueError as error:
        assert "is not a status; write for example 200 or '200-299'" in str(error)  # noqa: PT017
    else:
        assert all(100 <= each[0] <= each[-1] <= 999 for each in found)


@given(st.integers(100, 999), st.integers(0, 99))
def test_a_range_holds_both_its_ends(first: int, more: int) -> None:
    last = min(999, first + more)

    assert status_ranges((first, f"{first}-{last}")) == [
        range(first, first + 1),
        range(first, last + 1),
    ]


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
BODIES = st.binary(max_size=50) | DOCUMENTS.map(lambda value: json.dumps(value).encode())


@given(BODIES, st.text().map(lambda text: "/" + text.replace("~", "~0")), st.text() | st.integers())
def test_any_body_is_judged(body: bytes, pointer: str, value: str | int) -> None:
    target = Target("x", "http://x", json_pointer=pointer, json_value=value, pattern="a|b")
    for fault in problems(target, HttpAnswer(200, body, 0.0, ())):
        assert fault.isprintable()
        assert len(fault) < 400


@given(st.data())
def test_any_value_of_a_document_is_found(data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS)
    leaf: Any = document
    pointer = ""
    while isinstance(leaf, list | dict) and leaf and data.draw(st.booleans()):
        keys: list[Any] = list(range(len(leaf))) if isinstance(leaf, list) else sorted(leaf)
        key = data.draw(st.sampled_from(keys))
        pointer += "/" + str(key).replace("~", "~0").replace("/", "~1")
        leaf = leaf[key]

    assert Target("x", "http://x", json_pointer=pointer).json_pointer == pointer
    assert value_at(pointer, document) == leaf


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/ ", 7), ("/m~0n", 8), ("/~01", 9)],
)
def test_a_pointer_leads_where_rfc_6901_says(pointer: str, found: Any) -> None:
    document: Any = {"foo": ["bar", "baz"], "": 0, "a/b": 1, " ": 7, "m~n": 8, "~1": 9}

    assert value_at(pointer, document) == found


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("euc-kr", "정상 ok".encode("euc-kr")),
        ("CP949", "정상 ok".encode("cp949")),
        ("", "정상 ok".encode()),
        ("punycode", "정상 ok".encode()),
        ("no-such-charset", "정상 ok".encode()),
        ("zlib", "정상 ok".encode()),
        ("a\0b", "정상 ok".encode()),
    ],
)
def test_a_body_is_read_by_its_charset(charset: str, body: bytes) -> None:
    target = Target("x", "http://x", contains="정상", pattern="^정. ok$")

    assert problems(target, HttpAnswer(200, body, 0.0, (), charset)) == []


@pytest.mark.parametrize("charset", ["", "utf-8", "utf-16", "utf-16-le", "utf-8-sig"])
def test_a_byte_order_mark_is_not_text(charset: str) -> None:
    body = '\ufeff{"a": "ok"}'.encode("utf-16-le" if "16" in charset else "utf-8")
    target = Target("x", "http://x", pattern='^{"a"', json_pointer="/a", json_value="ok")

    assert problems(target, HttpAnswer(200, body, 0.0, (), charset)) == []


def test_what_does_not_fit_the_charset_is_passed_over() -> None:
    target = Target("x", "http://x", contains="ok", pattern="ok.*end")

    assert problems(target, HttpAnswer(200, b"ok \xc7\xd1\xb1\xdb end", 0.0, ())) == []


def test_a_compressed_body_is_named() -> None:
    said = ["the body is compressed (gzip), so nothing can be found in it"]
    compressed = HttpAnswer(200, b"\x1f\x8b", 0.0, (), encoding="GZIP")

    assert problems(Target("x", "http://x", contains="ok"), compressed) == said
    assert problems(Target("x", "http://x"), compressed) == []


@pytest.mark.parametrize("pointer", ["/01", "/-1", "/²", "/3", "/a", "//0"])
def test_a_pointer_past_a_list_is_not_found(pointer: str) -> None:
    with pytest.raises(LookupError):
        value_at(pointer, [1, 2, 3])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "ftp://x"}, "is not an http or https URL"),
        ({"url": "http://h:port/"}, "is not a URL"),
        ({"url": "http://a:b@x/"}, "holds a password; write username and password"),
        ({"name": " "}, "is empty"),
        ({"method": "G T"}, "'G T' is not a method"),
        ({"headers": {"A:": "b"}}, "'A:' is not the name of a header"),
        ({"url": "http://h:0/"}, "has no port that can be reached"),
        ({"headers": {"A": "b\nc"}}, "A is not plain ASCII"),
        ({"headers": {"authorization": "Bearer x"}}, "write password or bearer_token instead"),
        ({"status": ()}, "is empty"),
        ({"status": ("2xx",)}, "'2xx' is not a status"),
        ({"status": ("200-",)}, "'200-' is not a status"),
        ({"status": ("299-200",)}, "'299-200' is not a status"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"timeout": 0}, "is 0 or less"),
        ({"username": "me"}, "username and password belong together"),
        ({"json_value": "x"}, "json_value needs json_pointer"),
        ({"json_pointer": "$.a"}, "is not a JSON pointer; write for example"),
        ({"json_pointer": "/a~2"}, "is not a JSON pointer; write for example"),
        ({"max_seconds": Limit.of(10)}, "max_seconds is not below timeout"),
        ({"event_type": " "}, "is empty; write for example 'E'"),
        ({"headers": {"Cookie": "x"}}, "holds a secret"),
        ({"body": "x" * 70_000}, "is longer than 64 KiB"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Target(**{"name": "x", "url": "http://x", **wrong})
