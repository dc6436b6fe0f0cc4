"""What libraries raise, in the words of a person."""

from __future__ import annotations

import socket
import ssl
from itertools import pairwise

import pytest

from supervisor.delivery.connection_errors import about_certificates, causes, in_words


def raised(*chain: BaseException) -> list[BaseException]:
    """Return the causes of the last error, which came of the one before it, and so on."""
    for before, after in pairwise(chain):
        after.__cause__ = before
    return [*causes(chain[-1])]


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ((ConnectionRefusedError(111, "trio's own"), OSError("all attempts failed")), "refused"),
        ((ConnectionResetError(104, ""), RuntimeError()), "connection reset by peer"),
        ((socket.gaierror(-2, "Name or service not known"),), "name or service not known"),
        ((RuntimeError("the peer\nspeaks\x07 in tongues"), RuntimeError()), "speaks\ufffd in"),
        ((RuntimeError(),), "RuntimeError"),
        ((ssl.SSLError(1, "wrong version number"),), "wrong version number"),
    ],
)
def test_the_system_is_quoted_before_a_library(
    chain: tuple[BaseException, ...], words: str
) -> None:
    assert words in in_words(raised(*chain))


def test_each_of_several_addresses_has_its_words_once() -> None:
    refused = ConnectionRefusedError(111, "")
    group = ExceptionGroup("all", [refused, OSError(113, ""), ConnectionRefusedError(111, "")])

    assert in_words(causes(group)) == "connection refused, no route to host"


def test_a_certificate_is_looked_for_in_all_that_led_to_the_error() -> None:
    alert = ssl.SSLError(1, "x")
    alert.reason = "TLSV1_ALERT_UNKNOWN_CA"

    found = about_certificates(raised(alert, RuntimeError()))

    assert found == "the peer refuses ours: tlsv1 alert unknown ca"
    assert about_certificates(raised(ConnectionRefusedError(111, ""))) == ""
