"""A request to an NTP server, and what its answer says: SNTP, RFC 5905 and RFC 4330. Pure."""

from __future__ import annotations

import struct

from attrs import frozen

PORT = 123
"""The UDP port of NTP."""

PACKET_BYTES = 48
"""The size of a packet without extensions."""

UNIX_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""

SECOND = 1 << 32
"""A second in the unit of a time stamp."""

ERA = 1 << 64
"""The time after which time stamps begin again at 0."""

CLIENT_MODE = 3
"""The mode of a request."""

SERVER_MODE = 4
"""The mode of an answer."""

VERSIONS = range(1, 5)
"""The versions of NTP whose answers are understood."""

UNSYNCHRONISED = 3
"""The leap indicator of a server whose own clock is not synchronised."""

MAX_STRATUM = 15
"""How many servers lie between a server that is believed and a reference clock at most."""

MAX_ROOT_DISTANCE = 3.0
"""Seconds. How uncertain a server that is believed may be of its own time. As in chrony."""

_PACKET = struct.Struct(">BBbbII4s8s8sQQ")
"""The header of RFC 5905, 7.3."""


class ForeignAnswer(ValueError):
    """Not the answer to one of our requests: garbage, a replay, or another one's answer."""


class NoTime(ValueError):
    """The server has answered, but its time cannot be used."""


@frozen
class Reading:
    """What one answer says of our clock, in seconds."""

    offset: float
    """By how much our clock is behind the server's; below 0 it is ahead."""

    round_trip: float
    """How long request and answer took on their way."""

    uncertainty: float
    """By how much `offset` may be wrong in either direction."""

    stratum: int
    """How many steps the server is away from a reference clock."""


def question(nonce: bytes) -> bytes:
    """Return a request. Its time stamp is a nonce of 8 random bytes, which cannot be guessed."""
    version = 4
    return _PACKET.pack(version << 3 | CLIENT_MODE, 0, 0, 0, 0, 0, b"", b"", b"", 0, 0)[:-8] + nonce


def nonce_of(answer: bytes) -> bytes:
    """Return the nonce of the request that this answers; raises `ForeignAnswer`."""
    if len(answer) < PACKET_BYTES:
        raise ForeignAnswer(f"{len(answer)} bytes are not an NTP packet")
    if answer[0] & 7 != SERVER_MODE or answer[0] >> 3 & 7 not in VERSIONS:
        raise ForeignAnswer("it is not a server's answer")
    return answer[24:32]


def reading(answer: bytes, sent: float, received: float) -> Reading:
    """Read the answer to a request. `sent` and `received` are Unix times of our clock.

    Raises `NoTime`.
    """
    first, stratum, _, _, delay, dispersion, reference, _, _, arrived, departed = _PACKET.unpack(
        answer[:PACKET_BYTES]
    )
    if stratum == 0:
        raise NoTime(f"it refuses to answer (kiss-o'-death {_code(reference)})")
    if first >> 6 == UNSYNCHRONISED or stratum > MAX_STRATUM or not departed:
        raise NoTime("its own clock is not synchronised")
    distance = delay / 2**17 + dispersion / 2**16
    if distance > MAX_ROOT_DISTANCE:
        raise NoTime(f"its own clock is uncertain by {distance:.1f} s")
    busy = seconds_between(departed, arrived)
    round_trip = received - sent - busy
    # A coarse clock may be off by one step. An answer with a larger error cannot be right.
    if busy < 0 or round_trip < -0.1:
        raise NoTime("its times contradict each other")
    there = seconds_between(arrived, timestamp(sent))
    back = seconds_between(departed, timestamp(received))
    round_trip = max(0.0, round_trip)
    return Reading((there + back) / 2, round_trip, round_trip / 2 + distance, stratum)


def timestamp(unix: float) -> int:
    """Return a time stamp of NTP: 64 bits, of which 32 are fractions of a second."""
    return (int(unix * SECOND) + UNIX_EPOCH * SECOND) % ERA


def seconds_between(later: int, earlier: int) -> float:
    """Return the seconds between two time stamps, also across the end of an era, as in 2036."""
    return ((later - earlier + ERA // 2) % ERA - ERA // 2) / SECOND


def _code(reference: bytes) -> str:
    text = reference.rstrip(b"\0").decode("ascii", "replace")
    return text if text.isascii() and text.isalnum() else "of an unknown kind"
