"""Bounds of the status listener: connections, sizes and times, whatever clients do."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import trio

from supervisor.web import server
from supervisor.web.page import templates
from supervisor.web.page.live import MAX_FOLLOWERS
from supervisor.web.server import MAX_CONNECTIONS, Connection, Receive, Scope, Send
from tests.support.patience import undisturbed
from tests.support.web_bench import WebBench, client_of, modules
from tests.web.door import opened, read, status_of

PROBE = b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
FOLLOW = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_a_connection_without_a_request_is_closed_for_a_new_one() -> None:
    async with opened() as door:
        idle = [await door.connect() for _ in range(MAX_CONNECTIONS)]
        await door.settle(MAX_CONNECTIONS)
        late = await door.connect(PROBE)
        answered = await status_of(late)
        first = await read(idle[0])

        assert (answered, first) == (200, b"")
        assert len(door.server.connections) == MAX_CONNECTIONS


async def test_more_than_32_at_work_are_refused() -> None:
    released = trio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with opened(slow) as door:
        at_work = [await door.connect(PROBE) for _ in range(MAX_CONNECTIONS)]
        with trio.fail_after(5):
            while sum(each.answering for each in door.server.connections) < MAX_CONNECTIONS:  # noqa: ASYNC110 - nothing says so
                await trio.sleep(0.005)
        refused = await read(await door.connect(PROBE))
        released.set()
        served = [await status_of(stream) for stream in at_work]

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert served == [200] * MAX_CONNECTIONS


async def test_pages_that_are_live_leave_room_for_others() -> None:
    async with opened() as door:
        live = [await door.connect(FOLLOW) for _ in range(MAX_FOLLOWERS)]
        begun = [await status_of(stream) for stream in live]
        one_more = await status_of(await door.connect(FOLLOW))
        await live[0].aclose()
        await door.settle(MAX_FOLLOWERS)  # without the one that has gone
        again = await status_of(await door.connect(FOLLOW))

    assert (begun, one_more, again) == ([200] * MAX_FOLLOWERS, 503, 200)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    ],
)
async def test_a_connection_without_a_request_in_time_is_closed(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.1)
    async with opened() as door:
        stream = await door.connect(said)
        await read(stream)
        await door.settle(0)


async def test_a_head_that_drips_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.2)
    async with opened() as door:
        stream = await door.connect(b"GET / HTTP/1.1\r\n")
        with trio.fail_after(5), suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"X: y\r\n")
                await trio.sleep(0.01)
        await door.settle(0)


async def test_a_client_that_does_not_read_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_TIMEOUT", 0.2)

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    async with opened(endless) as door:
        await door.connect(PROBE)
        await door.settle(1)
        await door.settle(0)


async def test_an_answer_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_TIMEOUT", 0.1)

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await trio.sleep_forever()

    async with opened(never) as door:
        assert await read(await door.connect(PROBE)) == b""


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 30_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 30_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 tls hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://attacker.example.invalid/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /%ff%00/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /-/ready HTTP/1.0\r\n\r\n", 403),
        (b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 413),
        (b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            403,
        ),
    ],
)
async def test_rubbish_is_refused(said: bytes, status: int) -> None:
    async with opened() as door:
        assert await status_of(await door.connect(said)) == status
        assert await status_of(await door.connect(PROBE)) == 200


async def test_a_flood_behind_a_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_TIMEOUT", 0.2)
    async with opened() as door:
        stream = await door.connect(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with trio.fail_after(5), suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"1\r\nx\r\n" * 1000)
        await door.settle(0)


async def test_a_bug_in_an_answer_is_logged_and_does_not_hurt_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/bug":
            raise RuntimeError("a bug")
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with opened(broken) as door:
        failed = await status_of(await door.connect(PROBE.replace(b"/-/ready", b"/bug")))
        fine = await status_of(await door.connect(PROBE))

    assert (failed, fine) == (500, 204)
    assert "a bug" in caplog.text


async def test_a_bug_below_the_answers_does_not_hurt_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_self: Connection, _most: int) -> bytes:
        raise RuntimeError("a bug")

    async with opened() as door:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "receive_some", broken)
            assert await read(await door.connect(PROBE)) == b""
        assert await status_of(await door.connect(PROBE)) == 200

    assert "a connection to the status page failed" in caplog.text


@pytest.mark.parametrize("reads", [True, False])
async def test_it_stops_at_once_with_clients_in_the_middle(*, reads: bool) -> None:
    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    async with opened(endless) as door:
        stream = await door.connect(PROBE)
        await status_of(stream)
        if reads:
            door.nursery.start_soon(read, stream)
        await trio.sleep(0.05)
        begun = undisturbed()
        door.nursery.cancel_scope.cancel()

    assert undisturbed() - begun < 1


async def test_a_client_that_ends_its_side_is_answered() -> None:
    async with opened() as door:
        stream = await door.connect(PROBE)
        await stream.send_eof()
        half_closed = await read(stream)

    assert half_closed.endswith(b"ready\n")


async def test_one_connection_serves_several_requests() -> None:
    async with client_of(WebBench.make(*modules(2))) as client:
        answers = [await client.get(path) for path in ("/", "/metrics", "/api/status", "/")]
        streams = {id(answer.extensions["network_stream"]) for answer in answers}

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(streams) == 1


async def test_head_is_answered_without_a_body() -> None:
    async with client_of(WebBench.make(*modules(2))) as client:
        found = [await client.head(path) for path in ("/", "/metrics", "/api/status", "/-/ready")]
        with trio.fail_after(5):
            events = await client.head("/api/events")

    assert [(answer.status_code, answer.content) for answer in (*found, events)] == [(200, b"")] * 5


async def test_a_live_page_gets_only_changes() -> None:
    bench = WebBench.make(*modules(2))
    bench.fill()
    async with opened(bench=bench) as door:
        stream = await door.connect(FOLLOW)
        first = await news(stream)
        bench.ledger.pass_time(1)
        bench.run("disk-0")
        second = await news(stream)

    assert first == {*templates.FILES}
    assert second == {"verdict", "modules", "timeline"}


async def news(stream: trio.SocketStream) -> set[str]:
    """Return which sections the next event brings."""
    found = b""
    with trio.fail_after(10):
        while b"data: " not in found or not found.endswith(b"\n\n\r\n"):
            found += await stream.receive_some()
    (line,) = (line for line in found.splitlines() if line.startswith(b"data: "))
    return set(json.loads(line[6:]))
