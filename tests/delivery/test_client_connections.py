"""Connections that the client keeps: how long, and what is not taken for an answer."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest
import trio

from supervisor.config.service import Alertmanager
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.host.kept_connection import MAX_CONNECTION_AGE
from supervisor.observations import Duration
from tests.delivery.client_bench import NOW, QUICK
from tests.support.fake_peer import FakePeer, answer, black_hole, closing, http, raw, reset


async def test_many_posts_take_one_connection(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=answer(200, b"{}")).serve)
    async with Client(peer.url, QUICK) as client:
        for number in range(50):
            await client.post([b'{"n":%d}' % number, b"{}"], NOW)

    assert peer.connections == 1
    assert [{"n": 49}, {}] == peer.requests[-1].alerts
    assert peer.requests[-1].headers["content-type"] == "application/json"
    assert peer.requests[-1].headers["accept-encoding"] == "identity"


async def test_a_kept_connection_that_the_peer_has_closed_costs_nothing(
    nursery: trio.Nursery,
) -> None:
    peer = await nursery.start(FakePeer(usual=closing(answer(200))).serve)
    async with Client(peer.url, QUICK) as client:
        replies = []
        for _ in range(5):
            replies.append((await client.post([b"{}"], NOW)).reply)
            await trio.sleep(0.02)  # the end of the connection arrives

    assert [Reply.DELIVERED] * 5 == replies
    assert peer.connections == 5


async def test_a_peer_that_restarts_is_found_again(nursery: trio.Nursery) -> None:
    peer = FakePeer()
    async with Client("http://127.0.0.1:9", QUICK) as client:
        refused = await client.post([b"{}"], NOW)
    async with trio.open_nursery() as first_life:
        await first_life.start(peer.serve)
        client = await Client(peer.url, QUICK).__aenter__()
        before = await client.post([b"{}"], NOW)
        first_life.cancel_scope.cancel()
    down = await client.post([b"{}"], NOW)
    await nursery.start(peer.serve)
    after = await client.post([b"{}"], NOW)
    await client.__aexit__(None, None, None)

    assert (Reply.RETRY, "connect: connection refused") == (refused.reply, str(refused))
    assert [Reply.DELIVERED, Reply.RETRY, Reply.DELIVERED] == [
        before.reply,
        down.reply,
        after.reply,
    ]


async def test_a_hundred_timeouts_leave_no_socket_open(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=black_hole).serve)
    async with Client(peer.url, Alertmanager(timeout=Duration(0.01))) as client:
        await client.post([b"{}"], NOW)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            await client.post([b"{}"], NOW)
        after = len(os.listdir("/proc/self/fd"))

    assert after <= before + peer.connections  # those of the server, which sleeps on them


@pytest.mark.parametrize("stray", [b"stray bytes\r\n\r\n", b"\r\nHTTP/2.0", b"\x00" * 5000])
async def test_bytes_after_an_answer_do_not_make_the_next_request_fail(
    nursery: trio.Nursery, stray: bytes
) -> None:
    peer = await nursery.start(FakePeer(usual=raw(http(200) + stray)).serve)
    async with Client(peer.url, QUICK) as client:
        replies = [(await client.post([b"{}"], NOW)).reply for _ in range(4)]

    assert [Reply.DELIVERED] * 4 == replies


@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_that_was_there_before_its_request_is_not_taken_for_its_answer(
    nursery: trio.Nursery, status: int
) -> None:
    twice = raw(http(200) + http(status, b'"unasked"'))
    peer = FakePeer(choose=lambda request: twice if request.connection == 1 else answer(503))
    await nursery.start(peer.serve)
    async with Client(peer.url, QUICK) as client:
        reasons = [(await client.post([b"{}"], NOW)).reason for _ in range(3)]

    assert ["HTTP 200", "HTTP 503", "HTTP 503"] == reasons
    assert [1, 1, 2, 2] == [request.connection for request in peer.requests]


async def test_a_kept_connection_that_ends_with_the_next_request_costs_no_back_off(
    nursery: trio.Nursery,
) -> None:
    peer = await nursery.start(FakePeer().serve)
    async with Client(peer.url, QUICK) as client:
        await client.post([b"{}"], NOW)
        peer.script += [reset, answer(200)]
        again = await client.post([b"{}"], NOW)
        peer.script += [reset, reset]
        down = await client.post([b"{}"], NOW)

    assert (again.reply, down.reason) == (Reply.DELIVERED, "transport")
    assert [1, 1, 2, 2, 3] == [request.connection for request in peer.requests]


async def test_a_connection_is_renewed_so_that_a_name_can_move_to_another_address(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = [await nursery.start(FakePeer().serve) for _ in range(2)]
    url = f"http://am.example.invalid:{old.port}"
    ports = {"am.example.invalid": old.port}
    connect = trio.open_tcp_stream

    async def resolved(*, host: str, port: int, **settings: Any) -> trio.SocketStream:
        return await connect("127.0.0.1", ports[host], **settings)

    monkeypatch.setattr(trio, "open_tcp_stream", resolved)
    moment = trio.current_time()
    async with Client(url, QUICK) as client:
        await client.post([b"{}"], NOW)
        ports["am.example.invalid"] = new.port
        kept = await client.post([b"{}"], NOW)
        monkeypatch.setattr(trio, "current_time", lambda: moment + MAX_CONNECTION_AGE + 1)
        replies = [(await client.post([b"{}"], NOW)).reply for _ in range(2)]

    assert [kept.reply, *replies] == [Reply.DELIVERED] * 3
    assert (len(old.requests), len(new.requests)) == (3, 1)
    assert old.requests[-1].headers["connection"] == "close"


@pytest.mark.may_block("it looks at each object of the test run")
async def test_a_cancelled_handshake_leaves_no_socket_open(nursery: trio.Nursery) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, black_hole, listeners)
    port = listeners[0].socket.getsockname()[1]
    gc.collect()
    gc.disable()
    try:
        async with Client(f"https://127.0.0.1:{port}", Alertmanager(timeout=Duration(60))) as one:
            with trio.move_on_after(0.2):
                await one.post([b"{}"], NOW)
        open_sockets = [
            each
            for each in gc.get_objects()
            if isinstance(each, trio.SocketStream)
            and each.socket.fileno() >= 0
            and each.socket.getpeername()[1] == port
        ]
    finally:
        gc.enable()

    assert open_sockets == []
