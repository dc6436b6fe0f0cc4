"""What the `connection` check refuses before it runs."""

from __future__ import annotations

import pytest

from checks.connection import Params, TcpServer
from supervisor.api import Duration
from tests.checks.connection_bench import HOST


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=rf"^{port} is not a port; write a number from 1 to 65535"):
        TcpServer("USTD-DEV1", HOST, port)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"name": " "}, "write what the server is called"),
        ({"event_type": ""}, "write for example 'E'"),
    ],
)
def test_an_empty_text_is_refused(given: dict[str, str], remedy: str) -> None:
    with pytest.raises(ValueError, match=rf"^is empty; {remedy}"):
        TcpServer(**{"name": "USTD-DEV1", "host": HOST, "port": 1, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["", "a b", "127.0.14.31\0x", "a\n"])
def test_an_impossible_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host; write an IP address or a name$"):
        TcpServer("USTD-DEV1", host, 1)


def test_a_name_given_twice_or_no_time_is_refused() -> None:
    server = TcpServer("USTD-DEV1", HOST, 1)
    with pytest.raises(ValueError, match=r"^has USTD-DEV1 more than once; "):
        Params((server, TcpServer("USTD-DEV1", HOST, 2)))
    with pytest.raises(ValueError, match=r"^is 0 or less; "):
        Params((server,), Duration(0))
