"""The `certificate` check on servers that are silent or gone, and on names of several addresses."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.checks.certificate_bench import (
    ca_file,
    ending,
    look,
    serve,
    silent,
    speak,
    speak_tls,
    told,
)
from tests.support.addresses import resolve_to
from tests.support.certificates import issue, pem_file, server

__all__ = ["ca_file"]  # a fixture


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)


async def drip(stream: trio.SocketStream) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.05)


async def no_tls(stream: trio.SocketStream) -> None:
    await stream.send_all(b"220 hello, I speak no TLS\r\n")
    await stream.receive_some(1000)


@pytest.mark.parametrize(
    ("handler", "starttls", "alertname", "said"),
    [
        (silent, "", "Certificate not available", "no answer within 0.5 s"),
        (silent, "smtp", "Certificate not available", "no answer within 0.5 s"),
        (drip, "", "Certificate not available", "no answer within 0.5 s"),
        (hang_up, "", "Certificate not available", "closed during the handshake"),
        (hang_up, "smtp", "Certificate not available", "no answer within 0.5 s"),
        (no_tls, "", "Certificate invalid", "TLS failed: "),
        (no_tls, "smtp", "Certificate not available", "closed the connection before TLS"),
    ],
)
async def test_a_server_that_does_not_come_to_tls_is_named_in_time(
    nursery: trio.Nursery, handler: Any, starttls: Any, alertname: str, said: str
) -> None:
    port = await nursery.start(serve, handler)
    ((name, kind, message),) = told(await look(0.5, host="127.0.0.1", port=port, starttls=starttls))

    assert (name, kind) == (alertname, "E")
    assert said in message


async def test_a_closed_port_is_named() -> None:
    ((name, _, message),) = told(await look(host="127.0.0.1", port=1))

    assert name == "Certificate not available"
    assert message == "x (127.0.0.1:1): connection refused"


async def test_a_host_that_is_not_a_name_is_named() -> None:
    ((name, _, message),) = told(await look(host="a..b"))

    assert name == "Certificate not available"
    assert message == "x (a..b:443): it is not a host name"


async def both_addresses(
    nursery: trio.Nursery,
    first: Callable[[trio.SocketStream], Awaitable[None]],
    second: Callable[[trio.SocketStream], Awaitable[None]],
) -> int:
    """Serve one port at 127.0.0.1 and at 127.0.0.2; return it."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    (other,) = await trio.open_tcp_listeners(port, host="127.0.0.2")
    nursery.start_soon(trio.serve_listeners, first, [listener])
    nursery.start_soon(trio.serve_listeners, second, [other])
    return port


async def test_the_certificates_of_all_addresses_of_a_name_are_looked_at(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    authority = issue("ours", authority=True)

    def showing(days: float) -> Callable[[trio.SocketStream], Awaitable[None]]:
        leaf = issue("leaf", authority, days=days, hosts=["shop.test"])
        return partial(speak, server(leaf, directory=tmp_path))

    given: dict[str, Any] = {"host": "shop.test", "ca_file": pem_file(tmp_path, authority)}
    soon = await both_addresses(nursery, showing(90), showing(5))
    ended = await both_addresses(nursery, showing(90), showing(-0.5))
    silent_one = await both_addresses(nursery, silent, showing(90))
    same = await both_addresses(nursery, showing(90), showing(90))

    ((name, _, said),) = told(await look(port=soon, **given))
    assert name == "Certificate expires"
    assert said.startswith("the certificate of x at 127.0.0.2 ends in 5 days, on ")
    ((name, _, said),) = told(await look(port=ended, **given))
    assert name == "Certificate invalid"
    assert said == ("x: at 127.0.0.2: its certificate is not trusted: certificate has expired")
    ((name, _, said),) = told(await look(1.0, port=silent_one, **given))
    assert name == "Certificate not available"
    late = rf"x \(shop\.test:{silent_one}\): at 127\.0\.0\.1: no answer within [\d.]+ s"
    assert re.fullmatch(late, said)  # what is left for one address depends on when its turn comes
    assert told(await look(port=same, **given)) == []


async def test_an_address_that_cannot_be_reached_counts_only_when_none_can(
    nursery: trio.Nursery, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(serve, partial(speak_tls, ending(100)))
    resolve_to(monkeypatch, "127.0.0.3", "127.0.0.1", "::1")
    given: dict[str, Any] = {"host": "localhost", "ca_file": ca_file}
    reached = told(await look(port=port, **given))
    refused = told(await look(port=1, **given))

    assert reached == []
    assert refused == [
        ("Certificate not available", "E", "x (localhost:1): connection refused"),
    ]
