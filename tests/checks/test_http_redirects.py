"""Redirects, as the `http` check follows them."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.checks.http_bench import asked, look, no_socket_is_left, told
from tests.support.addresses import resolve_to
from tests.support.fake_peer import FakePeer, answer, http, raw

__all__ = ["no_socket_is_left"]  # a fixture


async def test_a_redirect_is_followed_only_where_that_is_wanted(nursery: trio.Nursery) -> None:
    peer: FakePeer = await nursery.start(FakePeer().serve)
    away = answer(302, headers={"Location": "/there"})
    peer.script.extend([away, away, answer(200), away])
    not_followed = told(await look(peer.url))
    followed = told(await look(peer.url, follow_redirects=True))
    wanted = told(await look(peer.url, status=(302,)))

    assert "status 302, expected 200-299" in not_followed[0][2]
    assert followed == wanted == []
    assert [request.path for request in peer.requests] == ["/", "/", "/there", "/"]


@pytest.mark.parametrize("away", ["mailto:x@example.invalid", "urn:x:y", "http://[::1", "app://x"])
async def test_the_location_of_a_redirect_counts_only_when_it_is_followed(
    nursery: trio.Nursery, away: str
) -> None:
    assert await asked(nursery, answer(302, headers={"Location": away}), status=(302,)) == []


async def test_redirects_without_end_are_left_after_five(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=answer(302, headers={"Location": "/"})).serve)
    ((_, _, said),) = told(await look(peer.url, follow_redirects=True))

    assert said.endswith("more than 5 redirects")
    assert len(peer.requests) == 6


async def test_the_body_of_a_redirect_is_not_read(nursery: trio.Nursery) -> None:
    away = raw(b"HTTP/1.1 302 X\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0

    async def without_end(stream: Any) -> None:
        nonlocal sent
        await away(stream)
        while True:
            await stream.send_all(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
            sent += 0x2000

    peer: FakePeer = await nursery.start(FakePeer().serve)
    peer.script.extend([without_end, answer(200)])
    with trio.fail_after(4):
        seen = told(await look(peer.url, follow_redirects=True))

    assert seen == []
    assert sent < 32 << 20


async def test_another_host_is_not_told_the_zone_of_an_address(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def converse(stream: trio.SocketStream) -> None:
        seen.append((await stream.receive_some(4096)).decode())
        await stream.send_all(http(200))

    listeners = await trio.open_tcp_listeners(0, host="::1")
    nursery.start_soon(trio.serve_listeners, converse, listeners)
    port = listeners[0].socket.getsockname()[1]
    names = resolve_to(monkeypatch, "::1")
    for zone in ("%25nosuch0", "%nosuch0"):
        assert told(await look(f"http://[fe80::1{zone}]:{port}/")) == []
    nursery.cancel_scope.cancel()

    assert names == ["fe80::1%nosuch0"] * 2
    assert [f"host: [fe80::1]:{port}" in each.lower() for each in seen] == [True, True]
