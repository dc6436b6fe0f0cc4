"""The client against a real server on loopback: no fault of the way escapes, none takes long."""

from __future__ import annotations

import base64
import gc
import os
import ssl
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sniffio
import trio
import trustme
from attrs import define, evolve

from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.errors import SupervisorError
from supervisor.host.kept_connection import MAX_CONNECTION_AGE
from supervisor.observations import Duration
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
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
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.patience import undisturbed

NOW = 1_700_000_000.0
TIMEOUT = 0.4
SLACK = 0.4
QUICK = Alertmanager(timeout=Duration(TIMEOUT))
TOKEN = "s3cr3t-t0ken"  # noqa: S105 - the test's own

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
SLOW_HEAD = [HEAD[at : at + 1] for at in range(len(HEAD))]
SLOW_BODY = [HEAD, b"h", b"e", b"l", b"l", b"o"]


def a_secret(path: Path, text: str) -> Secret:
    path.write_text(text)
    path.chmod(0o600)
    return Secret("file", str(path))


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


async def test_a_hundred_timeouts_leave_no_socket_open(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=black_hole).serve)
    async with Client(peer.url, Alertmanager(timeout=Duration(0.01))) as client:
        await client.post([b"{}"], NOW)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            await client.post([b"{}"], NOW)
        after = len(os.listdir("/proc/self/fd"))

    assert after <= before + peer.connections  # those of the server, which sleeps on them


async def test_credentials_are_sent_and_read_again_for_each_request(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    peer = await nursery.start(FakePeer().serve)
    token = a_secret(tmp_path / "token", TOKEN)
    password = a_secret(tmp_path / "password", "pä:ss")
    bearer = Alertmanager(timeout=Duration(1), bearer_token=token)
    basic = Alertmanager(timeout=Duration(1), username="watch", password=password)
    async with Client(peer.url, bearer) as client:
        await client.post([], NOW)
        a_secret(tmp_path / "token", "rotated\n")
        await client.get("/api/v2/status", NOW)
    async with Client(peer.url, basic) as client:
        await client.post([], NOW)

    sent = [request.headers["authorization"] for request in peer.requests]
    encoded = base64.b64encode("watch:pä:ss".encode()).decode()
    assert [f"Bearer {TOKEN}", "Bearer rotated", f"Basic {encoded}"] == sent


@pytest.mark.parametrize(
    "text", [f"{TOKEN}\nsecond", f"{TOKEN} ", f"{TOKEN}\u00e9", f"\x7f{TOKEN}", ""]
)
async def test_a_token_that_no_header_can_carry_is_named_but_never_shown(
    nursery: trio.Nursery, tmp_path: Path, text: str
) -> None:
    peer = await nursery.start(FakePeer().serve)
    settings = Alertmanager(bearer_token=a_secret(tmp_path / "token", text))
    async with Client(peer.url, settings) as client:
        found = await client.post([], NOW)

    assert (Reply.MISCONFIGURED, "credentials") == (found.reply, found.reason)
    assert "bearer token" in str(found)
    assert TOKEN not in repr(found)
    assert peer.requests == []


async def test_a_missing_secret_is_a_misconfigured_peer(tmp_path: Path) -> None:
    settings = Alertmanager(bearer_token=Secret("file", str(tmp_path / "gone")))
    async with Client("http://127.0.0.1:9", settings) as client:
        found = await client.post([], NOW)

    assert (Reply.MISCONFIGURED, "credentials") == (found.reply, found.reason)
    assert str(tmp_path / "gone") in found.detail


async def test_no_secret_shows_in_any_text(nursery: trio.Nursery, tmp_path: Path) -> None:
    peer = await nursery.start(FakePeer().serve)
    peer.script += [reset, answer(401), answer(302), answer(400, b'"bad"'), raw(b"garbage\r\n")]
    settings = Alertmanager(
        timeout=Duration(1), username="watch", password=a_secret(tmp_path / "password", TOKEN)
    )
    encoded = base64.b64encode(f"watch:{TOKEN}".encode()).decode()
    async with Client(peer.url, settings) as client:
        answers = [await client.post([], NOW) for _ in range(6)]
        shown = f"{client!r} {client} {answers!r} {[str(item) for item in answers]}"

    assert len(peer.requests) == 6
    assert TOKEN not in shown
    assert encoded not in shown


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certified(ca: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """Return a server's TLS context for a name."""

    def context(name: str) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert(name).configure_cert(made)
        return made

    return context


def trusting(ca: trustme.CA, path: Path, own: Path | None = None) -> Alertmanager:
    ca.cert_pem.write_to_path(str(path))
    return Alertmanager(timeout=Duration(2), ca_file=path, cert_file=own)


async def test_https_with_the_right_authority_keeps_its_connection(
    nursery: trio.Nursery,
    tmp_path: Path,
    ca: trustme.CA,
    certified: Callable[[str], ssl.SSLContext],
) -> None:
    peer = await nursery.start(FakePeer(tls=certified("127.0.0.1")).serve)
    async with Client(peer.url, trusting(ca, tmp_path / "ca.pem")) as client:
        replies = [(await client.post([b"{}"], NOW)).reply for _ in range(3)]

    assert ([Reply.DELIVERED] * 3, 1) == (replies, peer.connections)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
@pytest.mark.parametrize("fault", ["another authority", "another name", "the system's authorities"])
async def test_https_with_the_wrong_certificate_sends_nothing(
    nursery: trio.Nursery,
    tmp_path: Path,
    ca: trustme.CA,
    certified: Callable[[str], ssl.SSLContext],
    fault: str,
    scheme: str,
) -> None:
    name = "am.example.invalid" if fault == "another name" else "127.0.0.1"
    peer = await nursery.start(FakePeer(tls=certified(name)).serve)
    authority = trustme.CA() if fault == "another authority" else ca
    settings = trusting(authority, tmp_path / "ca.pem")
    if fault == "the system's authorities":
        settings = Alertmanager(timeout=Duration(2))
    async with Client(peer.url.replace("https", scheme), settings) as client:
        found = await client.post([b"{}"], NOW)

    assert (Reply.MISCONFIGURED, "certificate") == (found.reply, found.reason)
    assert peer.requests == []


# The server may hang up while httpx still sends, and then httpx leaves a generator behind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_client_certificate_is_shown(
    nursery: trio.Nursery,
    tmp_path: Path,
    ca: trustme.CA,
    certified: Callable[[str], ssl.SSLContext],
) -> None:
    strict = certified("127.0.0.1")
    strict.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(strict)
    peer = await nursery.start(FakePeer(tls=strict).serve)
    own = ca.issue_cert("client.example.invalid")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    with_own = trusting(ca, tmp_path / "ca.pem", tmp_path / "own.pem")
    async with Client(peer.url, with_own) as client:
        shown = await client.post([b"{}"], NOW)
    async with Client(peer.url, trusting(ca, tmp_path / "ca.pem")) as client:
        hidden = await client.post([b"{}"], NOW)

    assert (Reply.DELIVERED, Reply.RETRY) == (shown.reply, hidden.reply)


async def test_a_server_that_never_finishes_the_handshake_times_out_and_leaks_nothing(
    nursery: trio.Nursery,
) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, black_hole, listeners)
    port = listeners[0].socket.getsockname()[1]
    settings = Alertmanager(timeout=Duration(1))
    async with Client(f"https://127.0.0.1:{port}", settings) as client:
        found = [await client.post([b"{}"], NOW) for _ in range(2)]
        gc.collect()

    assert ["timeout"] * 2 == [item.reason for item in found]


async def test_an_authority_against_rfc_5280_is_refused_only_on_demand(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_python_3_13(monkeypatch)
    authority = issue("ours", authority=True, critical=False)
    tls = server(issue("am", authority, hosts=["127.0.0.1"]), directory=tmp_path)
    peer = await nursery.start(FakePeer(tls=tls).serve)
    lax = Alertmanager(timeout=Duration(2), ca_file=pem_file(tmp_path, authority))
    found = []
    for settings in (lax, evolve(lax, strict=True)):
        async with Client(peer.url, settings) as client:
            found.append((await client.post([b"{}"], NOW)).reply)

    assert found == [Reply.DELIVERED, Reply.MISCONFIGURED]


async def test_an_https_peer_named_with_a_final_dot_gets_its_alerts(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = resolve_to(monkeypatch, "127.0.0.1")
    authority = issue("ours", authority=True)
    tls = server(issue("am", authority, hosts=["am.test"]), directory=tmp_path)
    peer = await nursery.start(FakePeer(tls=tls).serve)
    settings = Alertmanager(timeout=Duration(2), ca_file=pem_file(tmp_path, authority))
    async with Client(f"https://am.test.:{peer.port}", settings) as client:
        found = await client.post([b"{}"], NOW)

    assert str(found) == "HTTP 200"
    assert names == ["am.test."]


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


async def test_a_secret_that_hangs_fails_its_peer_and_stops_nothing(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await nursery.start(FakePeer().serve)
    hanging = Hanging(TOKEN)
    token = a_secret(tmp_path / "token", TOKEN)
    with monkeypatch.context() as patched:
        patched.setattr(Secret, "read", hanging)
        settings = Alertmanager(timeout=Duration(TIMEOUT), bearer_token=token)
        async with Client(peer.url, settings) as client:
            first, second = [await client.post([b"{}"], NOW) for _ in range(2)]
            hanging.released.set()
            await until_no_thread_hangs()
            third = await client.post([b"{}"], NOW)

    assert first.reply is second.reply is Reply.MISCONFIGURED
    what = f"read of the file {token.name}"
    assert str(first) == f"credentials: cannot read the secret: the {what} takes too long"
    assert str(second) == f"credentials: cannot read the secret: an earlier {what} still hangs"
    assert third.reply is Reply.DELIVERED
    assert len(peer.requests) == 1


async def test_a_secret_that_is_a_pipe_fails_its_peer(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    peer = await nursery.start(FakePeer().serve)
    os.mkfifo(tmp_path / "pipe", 0o600)
    secret = Secret("file", str(tmp_path / "pipe"))
    async with Client(peer.url, evolve(QUICK, bearer_token=secret)) as client:
        found = await client.post([b"{}"], NOW)

    said = f"credentials: cannot read the secret {tmp_path}/pipe: it is not a regular file"
    assert str(found) == said


async def test_certificates_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    os.mkfifo(tmp_path / "pipe")
    for key in ("cert_file", "key_file"):
        given: dict[str, Any] = {"cert_file": tmp_path / "ca.pem", key: tmp_path / "pipe"}
        with pytest.raises(SupervisorError, match="https://am: it is not a regular file"):
            Client("https://am", Alertmanager(**given))
    for path in (tmp_path / "gone.pem", tmp_path / "ca.pem", tmp_path / "pipe"):
        with pytest.raises(SupervisorError, match="cannot load the certificates for https://am"):
            async with Client("https://am.example.invalid", Alertmanager(ca_file=path)):
                pass


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


async def test_an_answer_that_tls_has_read_before_its_request_is_not_taken_for_its_answer(
    nursery: trio.Nursery,
    ca: trustme.CA,
    certified: Callable[[str], ssl.SSLContext],
    tmp_path: Path,
) -> None:
    async def twice(stream: Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        plain, held = stream.transport_stream, bytearray()
        stream.transport_stream = Holding(plain, held)  # type: ignore[assignment]  # it can send
        await stream.send_all(http(200))
        await stream.send_all(http(200))  # a record of its own
        stream.transport_stream = plain
        await plain.send_all(held)

    peer = FakePeer(choose=lambda request: twice if request.connection == 1 else answer(503))
    peer.tls = certified("127.0.0.1")
    await nursery.start(peer.serve)
    async with Client(peer.url, trusting(ca, tmp_path / "ca.pem")) as client:
        reasons = [(await client.post([b"{}"], NOW)).reason for _ in range(3)]

    assert ["HTTP 200", "HTTP 503", "HTTP 503"] == reasons
    assert [1, 2, 2] == [request.connection for request in peer.requests]


@define
class Holding:
    """A stream that keeps back what is sent, so that it arrives in one piece."""

    stream: trio.SocketStream
    held: bytearray

    async def send_all(self, data: bytes) -> None:
        self.held += data


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
