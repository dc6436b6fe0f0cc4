"""What the `talk` check refuses before it runs, and what it would have instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from checks._talk.conversation import MAX_BYTES
from checks._talk.steps import Step
from checks.talk import Params
from supervisor.api import Duration, Limit
from tests.checks.talk_bench import at


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": ""}, "needs either host or socket; write one of them"),
        ({"socket": Path("/s")}, "needs either host or socket; write one of them"),
        ({"host": "", "socket": Path("/s")}, "a socket has no port and no transport; remove"),
        ({"host": "a b"}, "'a b' is not a host; write an IP address or a name"),
        ({"port": None}, "needs a port; write for example port = 6379"),
        ({"port": 0}, "0 is not a port; write a number from 1 to 65535"),
        ({"expect": ""}, "needs one of preset, steps, or send and expect; write one of the three"),
        ({"preset": "ssh"}, "needs one of preset, steps, or send and expect; write one of the"),
        ({"preset": "x", "expect": ""}, "'x' is not a preset; write one of amqp, ftp, imap"),
        ({"expect": "("}, "is not a regular expression"),
        (
            {"expect": "", "send": "a"},
            "expects nothing; write expect, or take the check connection",
        ),
        ({"expect": "", "steps": (Step(expect="a"),) * 9}, "steps has 9 steps; write 8 at most"),
        ({"transport": "udp"}, "a server is silent by UDP until it is asked; write send in the"),
        ({"verify": False, "server_name": "a"}, "server_name, verify: of no use without TLS; "),
        ({"max_seconds": Limit.of(Duration(5))}, "max_seconds is not below timeout"),
        ({"name": ""}, "write what the server is called"),
    ],
)
def test_wrong_parameters_are_refused_with_a_remedy(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        at(**{"expect": "x", **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "is empty; write send, expect, or both"),
        (
            {"send": "a", "send_hex": "00"},
            "send and send_hex exclude each other; write one of them",
        ),
        ({"send_hex": "0"}, "'0' is not hexadecimal; write two digits for each byte: '00 ff'"),
        ({"expect": "["}, "is not a regular expression"),
    ],
)
def test_wrong_steps_are_refused_with_a_remedy(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Step(**settings)


def test_two_servers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="has s more than once"):
        Params((at(expect="x"), at(expect="y")))


def test_the_bound_is_what_the_manual_says() -> None:
    assert MAX_BYTES == 16 * 1024
