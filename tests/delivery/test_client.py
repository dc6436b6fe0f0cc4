"""The client against a real server on loopback: no fault of the way escapes, none takes long."""

from __future__ import annotations

from collections import deque

import httpx
import pytest
import sniffio
import trio

from supervisor.config.service import Alertmanager
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.observations import Duration
from tests.delivery.client_bench import NOW, QUICK, TIMEOUT
from tests.support.addresses import resolve_to
from tests.support.fake_peer import (
    Behaviour,
    FakePeer,
    Stream,
    answer,
    black_hole,
    closing,
    drip,
    endless,
    http,
    later,
    raw,
    reset,
)
from tests.support.patience import undisturbed

SLACK = 0.4

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
SLOW_HEAD = [HEAD[at : at + 1] for at in range(len(HEAD))]
SLOW_BODY = [HEAD, b"h", b"e", b"l", b"l", b"o"]


@pytest.mark.parametrize(
    ("behaviour", "reply", "reason"),
    [
        pytest.param(answer(200), Reply.DELIVERED, "HTTP 200", id="fine"),
        pytest.param(later(0.2, answer(200)), Reply.DELIVERED, "HTTP 200", id="slow"),
        pytest.param(endless, Reply.DELIVERED, "HTTP 200", id="endless body"),
        pytest.param(later(0.8, answer(200)), Reply.RETRY, "timeout", id="too late"),
        pytest.param(black_hole, Reply.RETRY, "timeout", id="black hole"),
        pytest.param(drip(SLOW_HEAD, 0.1), Reply.RETRY, "timeout", id="dripping head"),
        pytest.param(drip(SLOW_BODY, 0.1), Reply.DELIVERED, "HTTP 200", id="dripping body"),
        pytest.param(reset, Reply.RETRY, "transport", id="reset"),
        pytest.param(closing(raw(b"")), Reply.RETRY, "transport", id="closed"),
        pytest.param(closing(raw(HEAD + b"he")), Reply.DELIVERED, "HTTP 200", id="cut off"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Reply.RETRY, "transport", id="garbage"),
        pytest.param(raw(b"\x00\xff" * 99_999), Reply.RETRY, "transport", id="binary"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), Reply.RETRY, "transport",
                     id="endless header"),
        pytest.param(raw(http(101)), Reply.RETRY, "transport", id="switching protocols"),
        pytest.param(raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 999), Reply.RETRY, "timeout",
                     id="only continue"),
        pytest.param(answer(429, headers={"Retry-After": "7"}), Reply.RETRY, "HTTP 429", id="429"),
        pytest.param(answer(500), Reply.RETRY, "HTTP 500", id="500"),
        pytest.param(answer(503), Reply.RETRY, "HTTP 503", id="503"),
        pytest.param(answer(400, b'"bad label"'), Reply.SPLIT, "HTTP 400", id="400 string"),
        pytest.param(answer(400, b'{"code":400}'), Reply.SPLIT, "HTTP 400", id="400 object"),
        pytest.param(answer(422, b'{"code":602}'), Reply.SPLIT, "HTTP 422", id="422 object"),
        pytest.param(answer(413), Reply.SPLIT, "HTTP 413", id="413"),
        pytest.param(answer(302, headers={"Location": "/login"}), Reply.MISCONFIGURED, "HTTP 302",
                     id="redirect"),
        pytest.param(answer(401), Reply.MISCONFIGURED, "HTTP 401", id="401"),
    ],
)  # fmt: skip
async def test_each_behaviour_becomes_the_right_answer_in_time_and_the_next_post_is_fine(
    nursery: trio.Nursery, behaviour: Behaviour, reply: Reply, reason: str
) -> None:
    peer = await nursery.start(FakePeer().serve)
    peer.script.append(behaviour)
    async with Client(peer.url, QUICK) as client:
        began = undisturbed()
        found = await client.post([b"{}"], NOW)
        took = undisturbed() - began
        again = await client.post([b"{}"], NOW)

    assert (reply, reason) == (found.reply, found.reason)
    assert took < TIMEOUT + SLACK
    assert again.reply is Reply.DELIVERED
    assert len(peer.requests) == 2


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(drip(SLOW_BODY, 0.1), "timeout"), (closing(raw(HEAD + b"he")), "transport")],
)
async def test_what_is_asked_for_must_come_whole(
    nursery: trio.Nursery, behaviour: Behaviour, reason: str
) -> None:
    peer = await nursery.start(FakePeer(script=deque([behaviour])).serve)
    async with Client(peer.url, QUICK) as client:
        found = await client.get("/api/v2/status", NOW)
        again = await client.get("/api/v2/status", NOW)

    assert (found.reply, found.reason) == (Reply.RETRY, reason)
    assert again.reply is Reply.DELIVERED


async def test_the_headers_of_a_real_answer_are_read(nursery: trio.Nursery) -> None:
    headers = {"Date": "Tue, 14 Nov 2023 22:13:30 GMT", "Retry-After": "7"}
    peer = await nursery.start(FakePeer(usual=answer(503, b"busy", headers)).serve)
    async with Client(peer.url, QUICK) as client:
        found = await client.post([b"{}"], NOW)

    assert (7.0, NOW + 10, "busy") == (found.retry_after, found.date, found.detail)


async def test_the_answer_to_a_get_comes_with_its_body_cut_at_64_kib(
    nursery: trio.Nursery,
) -> None:
    peer = await nursery.start(FakePeer().serve)
    peer.script += [answer(200, b'{"a":1}'), answer(200, b"x" * 100_000)]
    async with Client(peer.url, QUICK) as client:
        small = await client.get("/api/v2/status", NOW)
        large = await client.get("/api/v2/status", NOW)

    assert small.body == b'{"a":1}'
    assert large.body == b"x" * 65536
    assert [("GET", "/api/v2/status")] * 2 == [(r.method, r.path) for r in peer.requests]


@pytest.mark.parametrize("url", ["http://localhost:9", "https://127.0.0.1:9", "http://[::1]:9"])
async def test_a_refused_connection_is_told_in_the_words_of_the_system(url: str) -> None:
    async with Client(url, QUICK) as client:
        answer = await client.post([b"{}"], NOW)

    assert str(answer) == "connect: connection refused"


async def test_every_address_that_fails_has_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_arguments: object, **_settings: object) -> trio.SocketStream:
        refused, unreachable = ConnectionRefusedError(111, "trio's"), OSError(113, "trio's")
        group = ExceptionGroup("all", [refused, unreachable, ConnectionRefusedError(111, "")])
        raise OSError("all attempts to connect failed") from group

    monkeypatch.setattr(trio, "open_tcp_stream", fail)
    async with Client("http://127.0.0.1:9", QUICK) as client:
        answer = await client.post([b"{}"], NOW)

    assert str(answer) == "connect: connection refused, no route to host"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_path_prefix_is_kept(nursery: trio.Nursery, slash: str) -> None:
    peer = await nursery.start(FakePeer().serve)
    async with Client(f"{peer.url}/am/one{slash}", QUICK) as client:
        await client.post([], NOW)

    assert peer.requests[0].path == "/am/one/api/v2/alerts"


async def test_a_proxy_named_in_the_environment_is_not_used(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    peer = await nursery.start(FakePeer().serve)
    async with Client(peer.url, QUICK) as client:
        assert (await client.post([b"{}"], NOW)).reply is Reply.DELIVERED


@pytest.mark.parametrize(
    "url",
    ["http://a..b:9093", f"http://{'a' * 64}.invalid", "http://xn--zzzzzz99:1", "http://1.2.3.400"],
)
async def test_an_address_that_no_resolver_takes_is_a_misconfigured_peer(url: str) -> None:
    async with Client(url, QUICK) as client:
        found = await client.post([b"{}"], NOW)

    assert (Reply.MISCONFIGURED, "address") == (found.reply, found.reason)


@pytest.mark.parametrize("zone", ["%25nosuch0", "%nosuch0"])
async def test_a_peer_is_dialled_with_its_zone_and_not_told_of_it(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    names = resolve_to(monkeypatch, "127.0.0.1")
    peer = await nursery.start(FakePeer().serve)
    async with Client(f"http://[fe80::1{zone}]:{peer.port}/am", QUICK) as client:
        found = await client.post([b"{}"], NOW)

    assert found.reply is Reply.DELIVERED
    assert names == ["fe80::1%nosuch0"]
    assert peer.requests[0].headers["host"] == f"[fe80::1]:{peer.port}"
    assert peer.requests[0].path == "/am/api/v2/alerts"


async def test_cancelling_a_request_ends_it_at_once(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=black_hole).serve)
    with trio.fail_after(1):
        async with Client(peer.url, Alertmanager(timeout=Duration(60))) as client:
            with trio.move_on_after(0.05) as scope:
                await client.post([b"{}"], NOW)

    assert scope.cancelled_caught


async def test_httpx_runs_on_trio(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpcore
    from httpcore._backends import trio as backend

    seen: list[str] = []
    connect = backend.TrioBackend.connect_tcp

    async def spy(*arguments: object, **settings: object) -> httpcore.AsyncNetworkStream:
        seen.append(sniffio.current_async_library())
        return await connect(*arguments, **settings)  # type: ignore[arg-type]  # passed on as is

    monkeypatch.setattr(backend.TrioBackend, "connect_tcp", spy)
    peer = await nursery.start(FakePeer().serve)
    async with Client(peer.url, QUICK) as client:
        found = await client.post([b"{}"], NOW)

    assert (["trio"], Reply.DELIVERED) == (seen, found.reply)
    assert httpx.__version__.startswith("0.28")


async def test_a_flood_of_answers_1xx_is_ended_long_before_the_time_out(
    nursery: trio.Nursery,
) -> None:
    async def flood(stream: Stream) -> None:
        while True:
            await stream.send_all(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)

    peer = await nursery.start(FakePeer(usual=flood).serve)
    async with Client(peer.url, Alertmanager(timeout=Duration(60))) as client:
        with trio.fail_after(20):
            found = await client.post([b"{}"], NOW)

    assert (Reply.RETRY, "transport: no answer within 65536 bytes") == (found.reply, str(found))
