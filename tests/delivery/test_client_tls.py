"""The client and TLS: whom it trusts, what it shows, and what stays open."""

from __future__ import annotations

import gc
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from attrs import define, evolve

from supervisor.config.service import Alertmanager
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.errors import SupervisorError
from supervisor.observations import Duration
from tests.delivery.client_bench import NOW
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
from tests.support.fake_peer import FakePeer, Stream, answer, black_hole, http


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
