"""Records and servers as they are written, and answers of any bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import dns.message
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._dns.exchange import NotDns, _parsed
from checks._dns.records import EXAMPLES, canonical, domain, listed
from checks._dns.servers import Server, named_in, server
from checks._dns.verdict import problem
from tests.checks.dns_bench import query
from tests.support.dns_server import reply

T = TypeVar("T")

labels = st.text("abcXYZ019-_", min_size=1, max_size=20)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
kinds = st.sampled_from(sorted(EXAMPLES))


def tried(function: Callable[..., T], *arguments: str) -> tuple[T | None, str]:
    """Return what a function returns, or None and the words with which it refuses."""
    try:
        return function(*arguments), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_example_is_a_record(kind: str) -> None:
    assert canonical(EXAMPLES[kind], kind) == EXAMPLES[kind]


@given(st.text(), kinds)
def test_a_text_is_a_record_or_refused_with_an_example(text: str, kind: str) -> None:
    found, refusal = tried(canonical, text, kind)

    assert canonical(found, kind) == found if found is not None else EXAMPLES[kind] in refusal


@given(st.integers(0, 65535), names, st.booleans())
def test_case_and_the_final_dot_of_a_name_do_not_count(number: int, name: str, upper: bool) -> None:
    written = f"  {number}   {name.upper() if upper else name}"

    assert canonical(written, "MX") == canonical(f"{number} {name}.", "MX")


@given(st.text(), kinds)
def test_a_name_can_be_asked_for_or_is_refused(text: str, kind: str) -> None:
    found, refusal = tried(domain, text, kind)

    assert found.is_absolute() if found is not None else "write for example" in refusal


def test_many_records_are_shown_in_part() -> None:
    assert listed(map(str, range(9, 0, -1))) == "1, 2, 3, 4, 5 and 4 more"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.53", Server("127.0.0.53")),
        ("127.0.0.53:5353", Server("127.0.0.53", 5353)),
        ("::1", Server("::1")),
        ("[::1]", Server("::1")),
        ("[::1]:5353", Server("::1", 5353)),
        ("fe80::1%eth0", Server("fe80::1%eth0")),
        ("ns.example.invalid", Server("ns.example.invalid")),
    ],
)
def test_a_server_is_read_as_it_is_written(text: str, expected: Server) -> None:
    assert server(text) == expected
    assert server(str(expected)) == expected


@given(st.text("a1.:[]% \n", max_size=12))
def test_a_server_is_read_or_refused(text: str) -> None:
    found, refusal = tried(server, text)

    assert server(str(found)) == found if found else "write for example '127.0.0.53'" in refusal


def test_the_servers_of_the_host_are_those_that_its_resolver_uses() -> None:
    text = "# x\nsearch a\nnameserver 127.0.0.1\nnameserver\n nameserver\t::1 # y\n"

    assert named_in(text) == (Server("127.0.0.1"), Server("::1"))
    assert named_in("nameserver a\n" * 2) == (Server("a"),)
    assert len(named_in("".join(f"nameserver 127.0.0.{n}\n" for n in range(9)))) == 3
    assert named_in("") == ()


QUESTION = dns.message.make_query("example.invalid", "MX")
RIGHT = reply(QUESTION, "example.invalid. MX 10 mail.example.invalid.").to_wire()


@given(
    st.one_of(
        st.binary(),
        st.tuples(st.integers(0, len(RIGHT) - 1), st.binary(min_size=1, max_size=4)).map(
            lambda change: RIGHT[: change[0]] + change[1] + RIGHT[change[0] + len(change[1]) :]
        ),
        st.integers(0, len(RIGHT)).map(lambda size: RIGHT[:size]),
    )
)
def test_any_bytes_are_judged_or_not_dns(wire: bytes) -> None:
    with contextlib.suppress(NotDns, dns.message.Truncated):
        message = _parsed(wire)
        if isinstance(message, dns.message.QueryMessage):
            assert isinstance(problem(query(), message), str)
            assert isinstance(problem(query(pattern="a"), message), str)


@given(st.lists(st.sampled_from(["10 a.", "20 b.", "30 c."]), unique=True, min_size=1), st.data())
def test_expectations_are_those_of_sets(answered: list[str], data: st.DataObject) -> None:
    made = reply(QUESTION, *(f"example.invalid. MX {each}" for each in answered))
    message = dns.message.from_wire(made.to_wire())
    assert isinstance(message, dns.message.QueryMessage)
    wanted = data.draw(st.lists(st.sampled_from(["10 a.", "20 B", "30 c.", "40 d."]), min_size=1))
    texts = {canonical(text, "MX") for text in wanted}

    assert (problem(query(expect=tuple(wanted)), message) == "") == (texts == set(answered))
    assert (problem(query(expect_any=tuple(wanted)), message) == "") == bool(texts & set(answered))
