"""ICMP packets: a reply is told from all else, and nothing that comes in raises."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._ping.packet import BYTES, COOKIE_BYTES, reply, request

FAMILIES = [socket.AF_INET, socket.AF_INET6]
TYPES = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
"""Of a request and of its reply, by family."""

families = st.sampled_from(FAMILIES)
cookies = st.binary(min_size=COOKIE_BYTES, max_size=COOKIE_BYTES)
sequences = st.integers(0, 65535)


def answered(asked: bytes, family: socket.AddressFamily, identifier: int = 0) -> bytes:
    """Return what a host makes of a request."""
    kind = struct.pack("!BBHH", TYPES[family][1], 0, 0xABCD, identifier)
    return kind + asked[len(kind) :]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_request_has_its_type_its_sequence_number_and_its_cookie(
    family: socket.AddressFamily,
) -> None:
    asked = request(family, 0x1234, b"c" * COOKIE_BYTES)

    assert asked == bytes([TYPES[family][0]]) + bytes(5) + b"\x12\x34" + b"c" * COOKIE_BYTES


@given(families, sequences, cookies, st.integers(0, 65535))
def test_a_reply_gives_back_what_was_sent(
    family: socket.AddressFamily, sequence: int, cookie: bytes, identifier: int
) -> None:
    asked = request(family, sequence, cookie)

    assert reply(family, answered(asked, family, identifier)) == (sequence, cookie)
    assert reply(family, asked) is None


@given(families, st.binary(max_size=2 * BYTES))
def test_what_is_not_a_reply_is_told_and_never_raises(
    family: socket.AddressFamily, datagram: bytes
) -> None:
    found = reply(family, datagram)

    is_one = len(datagram) == BYTES and datagram[:2] == bytes([TYPES[family][1], 0])
    assert (found is not None) == is_one
    if found is not None:
        assert found == (int.from_bytes(datagram[6:8], "big"), datagram[8:])


@given(families, sequences, cookies, st.integers(0, BYTES - 1), st.binary(min_size=1))
def test_a_reply_that_was_cut_or_made_longer_is_not_one(
    family: socket.AddressFamily, sequence: int, cookie: bytes, length: int, more: bytes
) -> None:
    whole = answered(request(family, sequence, cookie), family)

    assert reply(family, whole[:length]) is None
    assert reply(family, whole + more) is None


@given(families, sequences, cookies, st.integers(0, 255), st.integers(0, 255))
def test_other_types_and_codes_are_not_replies(
    family: socket.AddressFamily, sequence: int, cookie: bytes, kind: int, code: int
) -> None:
    datagram = bytes([kind, code]) + answered(request(family, sequence, cookie), family)[2:]

    assert (reply(family, datagram) is not None) == (kind == TYPES[family][1] and code == 0)
