"""TLS and certificates, as the `http` check judges them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import trio

from supervisor.api import Condition, Limit, Measurement
from supervisor.observations import Duration
from tests.checks.http_bench import CA, SOON, look, no_socket_is_left, tls, told
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
from tests.support.fake_peer import Behaviour, FakePeer, answer, closing, later

__all__ = ["no_socket_is_left"]  # a fixture


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def test_a_certificate_must_be_trusted(nursery: trio.Nursery, ca_file: Path) -> None:
    peer = await nursery.start(FakePeer(tls=tls(100)).serve)
    unknown = told(await look(peer.url))
    trusted = told(await look(peer.url, ca_file=ca_file))
    allowed = told(await look(peer.url, verify=False))

    assert [(name, kind) for name, kind, _ in unknown] == [("HTTP check failed", "E")]
    assert "its certificate is not trusted: unable to get local issuer certificate" in unknown[0][2]
    assert trusted == allowed == []


async def test_the_days_count_also_where_any_certificate_is_trusted(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(tls=tls(-1)).serve)
    refused = told(await look(peer.url, ca_file=None))
    seen = told(await look(peer.url, verify=False))
    unjudged = told(await look(peer.url, verify=False, warn_days=-9, error_days=-9))

    assert "is not trusted" in refused[0][2]
    assert [(name, kind) for name, kind, _ in seen] == [("Certificate expires", "E")]
    assert unjudged == []


async def test_the_authorities_count_after_a_redirect_to_tls(
    nursery: trio.Nursery, ca_file: Path
) -> None:
    secure = await nursery.start(FakePeer(tls=tls(100)).serve)
    peer = await nursery.start(FakePeer(usual=answer(301, headers={"Location": secure.url})).serve)
    unknown = told(await look(peer.url, follow_redirects=True))
    trusted = told(await look(peer.url, follow_redirects=True, ca_file=ca_file))

    assert "is not trusted" in unknown[0][2]
    assert trusted == []


@pytest.mark.parametrize(
    ("days", "expected"), [(31, []), (29, [("Certificate expires", "W")]), (6, ["E"])]
)
@pytest.mark.parametrize("behaviour", [answer(200), closing(answer(200, b"x"))])
async def test_the_days_of_a_certificate_are_judged(
    nursery: trio.Nursery, ca_file: Path, days: float, expected: list[Any], behaviour: Behaviour
) -> None:
    peer = await nursery.start(FakePeer(tls=tls(days), usual=behaviour).serve)
    seen = await look(peer.url, ca_file=ca_file, warn_days=30, error_days=7)
    measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}

    assert [kind for _, kind, _ in told(seen)] == [each[-1] for each in expected]
    assert measured["certificate_days_left"] == pytest.approx(days, abs=0.01)


async def test_seconds_and_days_may_be_tables_of_limits(
    nursery: trio.Nursery, ca_file: Path
) -> None:
    usual = later(0.2, answer(200))
    peer = await nursery.start(FakePeer(tls=tls(33), usual=usual).serve)
    seconds = Limit((("W", Duration(0.1)), ("E", Duration(4))))
    days = Limit((("W", 30.0),), clear=35.0)
    seen = await look(peer.url, ca_file=ca_file, max_seconds=seconds, min_days=days)
    slow, expires = (item for item in seen if isinstance(item, Condition))

    assert (slow.alertname, slow.event_type, slow.sustain) == ("HTTP slow", "W", False)
    assert slow.message.endswith(" s (limit W 0.1 s, E 4 s)")
    assert (expires.alertname, expires.event_type, expires.sustain) == (
        "Certificate expires",
        "W",
        True,
    )


async def test_a_ca_file_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ((_, _, said),) = told(await look("https://127.0.0.1:1", ca_file=tmp_path / "pipe"))

    assert said.endswith(f": cannot load {tmp_path}/pipe: it is not a regular file")


async def test_the_host_header_is_what_tls_asks_for(nursery: trio.Nursery, tmp_path: Path) -> None:
    authority = issue("ours", authority=True)
    asked: list[str] = []
    shop = server(issue("shop", authority, hosts=["shop.test"]), directory=tmp_path)
    other = server(issue("other", authority, hosts=["127.0.0.1"]), directory=tmp_path)

    def choose(connection: ssl.SSLObject, name: str, _: ssl.SSLContext) -> None:
        asked.append(name)
        if name == "shop.test":
            connection.context = shop

    other.sni_callback = choose
    peer: FakePeer = await nursery.start(FakePeer(tls=other).serve)
    for host in ("shop.test", "shop.test:8443", "shop.test.", "other.test", "127.0.0.1", "a b"):
        seen = told(
            await look(peer.url, headers={"Host": host}, ca_file=pem_file(tmp_path, authority))
        )
        assert bool(seen) == (host == "other.test"), seen
    away = answer(302, headers={"Location": f"https://localhost:{peer.port}/"})
    peer.script.append(away)
    moved = await look(
        peer.url,
        headers={"Host": "shop.test"},
        ca_file=pem_file(tmp_path, authority),
        follow_redirects=True,
    )

    assert asked[:3] == ["shop.test"] * 3
    assert asked[-2:] == ["shop.test", "localhost"]
    assert "Hostname mismatch" in told(moved)[0][2]
    assert peer.requests[1].headers["host"] == "shop.test:8443"


async def test_a_name_with_a_final_dot_has_the_certificate_of_the_name(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = resolve_to(monkeypatch, "127.0.0.1")
    authority = issue("ours", authority=True)
    tls = server(issue("x", authority, hosts=["shop.test"]), directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    trusted = pem_file(tmp_path, authority)

    assert told(await look(f"https://shop.test.:{peer.port}/", ca_file=trusted)) == []
    assert names == ["shop.test."]


async def test_an_intermediate_authority_that_ends_soon_is_told(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    root = issue("root", authority=True)
    between = issue("between", root, days=5, authority=True)
    leaf = issue("leaf", between, hosts=["127.0.0.1"])
    tls = server(leaf, between, directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    for given in ({"ca_file": pem_file(tmp_path, root)}, {"verify": False}):
        seen = await look(peer.url, **given)
        ((name, kind, said),) = told(seen)

        assert (name, kind) == ("Certificate expires", "E")
        assert said.startswith("a certificate in the chain of x ends in 5 days, on ")
        assert said.endswith("(CN=between)")
        measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}
        assert measured["certificate_days_left"] == pytest.approx(5, abs=0.01)


async def test_authorities_against_rfc_5280_are_refused_only_on_demand(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_python_3_13(monkeypatch)
    authority = issue("ours", authority=True, critical=False)
    tls = server(issue("x", authority, hosts=["127.0.0.1"]), directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    trusted = pem_file(tmp_path, authority)

    assert told(await look(peer.url, ca_file=trusted)) == []
    assert "is not trusted" in told(await look(peer.url, ca_file=trusted, strict=True))[0][2]


async def test_a_server_without_a_handshake_is_given_up_in_time() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with trio.fail_after(4):
            ((_, _, said),) = told(await look(f"https://127.0.0.1:{port}", SOON))

    assert said.endswith(f"no connection within {0.9 * SOON:.2g} s")
