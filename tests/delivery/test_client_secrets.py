"""Secrets of the client: each request reads them again, and no text shows them."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
import trio
from attrs import evolve

from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager
from supervisor.delivery.client import Client
from supervisor.delivery.replies import Reply
from supervisor.observations import Duration
from tests.delivery.client_bench import NOW, QUICK, TIMEOUT
from tests.support.fake_peer import FakePeer, answer, raw, reset
from tests.support.hanging_call import Hanging, until_no_thread_hangs

TOKEN = "s3cr3t-t0ken"  # noqa: S105 - the test's own


def a_secret(path: Path, text: str) -> Secret:
    path.write_text(text)
    path.chmod(0o600)
    return Secret("file", str(path))


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
