"""NTP packets: what an answer says, and that garbage is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._ntp import packet as ntp_packet
from checks._ntp.packet import ForeignAnswer, NoTime, nonce_of, question, reading, seconds_between
from tests.support.ntp_server import NOW, answer

NONCE = b"12345678"
AFTER_2036 = 2_100_000_000.0
"""In the second era of NTP, which begins in February 2036."""


def test_a_question_is_48_bytes_of_a_client_and_its_nonce() -> None:
    asked = question(NONCE)

    assert asked == b"\x23" + bytes(39) + NONCE
    assert nonce_of(answer(NONCE, NOW)) == NONCE


@pytest.mark.parametrize("now", [NOW, AFTER_2036, 0.5])
def test_offset_and_round_trip_are_those_of_rfc_5905(now: float) -> None:
    found = reading(answer(NONCE, now + 10.25, now + 10.75), now, now + 1.0)

    assert found.offset == pytest.approx(10.0, abs=1e-5)
    assert found.round_trip == pytest.approx(0.5, abs=1e-5)
    assert found.uncertainty == pytest.approx(0.25, abs=1e-5)
    assert found.stratum == 2


def test_a_clock_that_is_ahead_has_an_offset_below_zero() -> None:
    assert reading(answer(NONCE, NOW - 3600), NOW, NOW).offset == -3600.0


def test_the_end_of_the_era_lies_between_two_clocks() -> None:
    last = 2**32 - ntp_packet.UNIX_EPOCH - 1.0

    assert reading(answer(NONCE, last + 2), last, last).offset == 2.0
    assert seconds_between(0, ntp_packet.ERA - ntp_packet.SECOND) == 1.0


def test_the_uncertainty_of_the_server_counts() -> None:
    found = reading(answer(NONCE, NOW, delay=1.0, dispersion=0.25), NOW, NOW)

    assert found.uncertainty == 0.75


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (answer(NONCE, NOW, stratum=0, reference=b"RATE"), r"kiss-o'-death RATE"),
        (answer(NONCE, NOW, stratum=0, reference=b"\xff\n\0\0"), "of an unknown kind"),
        (answer(NONCE, NOW, leap=3), "own clock is not synchronised"),
        (answer(NONCE, NOW, stratum=16), "own clock is not synchronised"),
        (answer(NONCE, NOW, 0.0), "own clock is not synchronised"),
        (answer(NONCE, NOW, dispersion=5.0), "uncertain by 5.0 s"),
        (answer(NONCE, NOW, NOW - 1), "contradict"),
        (answer(NONCE, NOW, NOW + 9), "contradict"),
    ],
)
def test_a_server_without_a_good_time_is_not_believed(packet: bytes, said: str) -> None:
    with pytest.raises(NoTime, match=said):
        reading(packet, NOW, NOW + 1)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n",
        answer(NONCE, NOW)[:47],
        question(NONCE),
        answer(NONCE, NOW, mode=5),
        answer(NONCE, NOW, version=7),
    ],
)
def test_anything_but_a_servers_answer_is_refused(packet: bytes) -> None:
    with pytest.raises(ForeignAnswer):
        nonce_of(packet)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(packet: bytes) -> None:
    try:
        nonce_of(packet)
        found = reading(packet, NOW, NOW + 1)
    except (ForeignAnswer, NoTime):
        return

    assert found.round_trip >= 0
    assert abs(found.offset) <= 2**31
    assert 1 <= found.stratum <= ntp_packet.MAX_STRATUM


@given(st.binary(min_size=47, max_size=47))
def test_any_answer_is_read_or_refused(rest: bytes) -> None:
    try:
        found = reading(b"\x24" + rest, NOW, NOW + 1)
    except NoTime:
        return

    assert 0 <= found.uncertainty <= 0.6 + ntp_packet.MAX_ROOT_DISTANCE


@given(
    st.floats(0, 4e9),
    st.floats(-1e9, 1e9),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_true_offset_lies_within_the_uncertainty(
    sent: float, ahead: float, there: float, busy: float, back: float
) -> None:
    arrived = max(1.0, sent + there + ahead)
    ahead = arrived - sent - there
    found = reading(answer(NONCE, arrived, arrived + busy), sent, sent + there + busy + back)

    assert abs(found.offset - ahead) <= found.uncertainty + 1e-5
