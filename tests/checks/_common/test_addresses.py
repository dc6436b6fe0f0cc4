"""Names of servers become addresses, and addresses are written so that the port is clear."""

from __future__ import annotations

import socket

import pytest

from checks._common.addresses import host_port, resolve


async def test_an_address_is_its_own_address() -> None:
    expected = [(socket.AF_INET, ("127.0.0.1", 80))]
    assert await resolve("127.0.0.1", 80, socket.SOCK_STREAM) == expected


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
async def test_what_cannot_be_a_name_is_refused(host: str) -> None:
    with pytest.raises(socket.gaierror) as caught:
        await resolve(host, 80, socket.SOCK_DGRAM)

    assert caught.value.strerror == "it is not a host name"


async def test_an_address_that_comes_again_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = ((socket.AF_INET, 0, 0, "", (f"127.0.0.{end}", 80)) for end in (2, 1))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [one, two, one])

    found = await resolve("host.example.invalid", 80, socket.SOCK_STREAM)
    assert [address[0] for _, address in found] == ["127.0.0.2", "127.0.0.1"]


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert host_port("::1", 80) == "[::1]:80"
    assert host_port("127.0.0.1", 80) == "127.0.0.1:80"
