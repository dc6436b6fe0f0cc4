"""One question to an NTP server, and what its answer says: SNTP, RFC 5905 and RFC 4330. Pure."""

from __future__ import annotations

import struct

from attrs import frozen

PORT = 123
LENGTH = 48
"""Bytes of a packet without extensions."""

EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""

SECOND = 1 << 32
TIME = 1 << 64

CLIENT, SERVER = 3, 4
VERSIONS = range(1, 5)
UNSYNCHRONISED = 3
MOST_STRATUM = 15
MOST_DISTANCE = 3.0
"""Seconds from the reference clock by the server's own account; chrony's limit, too."""

_PACKET = struct.Struct(">BBbbII4s8s8sQQ")


class ForeignAnswer(ValueError):
    """It answers no question of ours: garbage, a replay, or somebody else's."""


class NoTime(ValueError):
    """The server has answered, but gives no time to go by."""


@frozen
class Reading:
    """How far our clock is behind the server's, and how long the way there and back took.

    All are seconds. Our clock is wrong by `offset`, give or take `uncertainty`.
    """

    offset: float
    round_trip: float
    uncertainty: float
    stratum: int


def question(nonce: bytes) -> bytes:
    """Return a request. Its time stamp is eight random bytes: nobody else can answer them."""
    version = 4
    return _PACKET.pack(version << 3 | CLIENT, 0, 0, 0, 0, 0, b"", b"", b"", 0, 0)[:-8] + nonce


def nonce_of(answer: bytes) -> bytes:
    """Return what an answer answers; raises `ForeignAnswer`."""
    if len(answer) < LENGTH:
        raise ForeignAnswer(f"{len(answer)} bytes are not an NTP packet")
    if answer[0] & 7 != SERVER or answer[0] >> 3 & 7 not in VERSIONS:
        raise ForeignAnswer("it is not a server's answer")
    return answer[24:32]


def reading(answer: bytes, sent: float, received: float) -> Reading:
    """Read the answer to what was sent and received at these Unix times by our clock.

    Raises `NoTime`.
    """
    first, stratum, _, _, delay, dispersion, reference, _, _, arrived, departed = _PACKET.unpack(
        answer[:LENGTH]
    )
    if stratum == 0:
        raise NoTime(f"it refuses to answer (kiss-o'-death {_code(reference)})")
    if first >> 6 == UNSYNCHRONISED or stratum > MOST_STRATUM or not departed:
        raise NoTime("its own clock is not synchronised")
    distance = delay / 2**17 + dispersion / 2**16
    if distance > MOST_DISTANCE:
        raise NoTime(f"its own clock is uncertain by {distance:.1f} s")
    busy = seconds_between(departed, arrived)
    round_trip = received - sent - busy
    # A clock that is read in steps may be off by one; more is no honest answer.
    if busy < 0 or round_trip < -0.1:
        raise NoTime("its times contradict each other")
    there = seconds_between(arrived, timestamp(sent))
    back = seconds_between(departed, timestamp(received))
    round_trip = max(0.0, round_trip)
    return Reading((there + back) / 2, round_trip, round_trip / 2 + distance, stratum)


def timestamp(unix: float) -> int:
    """Return a time as NTP has it: 64 bits, of which 32 are fractions of a second."""
    return (int(unix * SECOND) + EPOCH * SECOND) % TIME


def seconds_between(later: int, earlier: int) -> float:
    """Return the seconds between two time stamps; right across the end of an era, as in 2036."""
    return ((later - earlier + TIME // 2) % TIME - TIME // 2) / SECOND


def _code(reference: bytes) -> str:
    text = reference.rstrip(b"\0").decode("ascii", "replace")
    return text if text.isascii() and text.isalnum() else "of an unknown kind"
