"""Secrets of the `http` check: they reach their server, and show nowhere."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import trio

from checks._http.target import Target
from checks.http import Params, run
from supervisor.api import Secret
from tests.checks.http_bench import look, no_socket_is_left, today, told
from tests.support.fake_peer import FakePeer, answer

__all__ = ["no_socket_is_left"]  # a fixture


async def test_a_secret_is_sent_and_not_to_another_server(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "a-token")
    other = await nursery.start(FakePeer().serve)
    away = answer(302, headers={"Location": other.url})
    peer = await nursery.start(FakePeer(usual=away).serve)
    secret = Secret("env", "TOKEN")
    await look(peer.url, bearer_token=secret, follow_redirects=True)
    await look(peer.url, username="me", password=secret)

    assert [request.headers.get("authorization") for request in peer.requests] == [
        "Bearer a-token",
        "Basic " + base64.b64encode(b"me:a-token").decode(),
    ]
    assert [request.headers.get("authorization") for request in other.requests] == [None]


async def test_a_header_may_be_a_secret_and_is_not_sent_to_another_server(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "a-key")
    other = await nursery.start(FakePeer().serve)
    peer: FakePeer = await nursery.start(FakePeer().serve)
    peer.script.extend(
        [
            answer(302, headers={"Location": "/there"}),
            answer(302, headers={"Location": other.url}),
        ]
    )
    headers = {"X-Api-Key": Secret("env", "KEY"), "X-Other": "x"}
    seen = told(await look(peer.url, headers=headers, follow_redirects=True))
    wanted = ("x-api-key", "x-other")

    assert seen == []
    assert [
        [request.headers.get(name) for name in wanted]
        for request in (*peer.requests, *other.requests)
    ] == [["a-key", "x"], ["a-key", "x"], [None, "x"]]


async def test_a_header_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "two\nlines")
    headers = {"X-Api-Key": Secret("env", "KEY")}
    ((_, _, said),) = told(await look("http://127.0.0.1:1", headers=headers))

    assert said == (
        "x (http://127.0.0.1:1): it cannot be asked: "
        "its header X-Api-Key is empty, or not plain ASCII in one line"
    )


@pytest.mark.parametrize("token", ["two\nlines", "umläut", "bell\a", ""])
async def test_a_token_that_cannot_be_sent_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TOKEN", token)
    ((_, _, said),) = told(await look("http://127.0.0.1:1", bearer_token=Secret("env", "TOKEN")))

    assert said == (
        "x (http://127.0.0.1:1): it cannot be asked: "
        "its bearer_token is empty, or not plain ASCII in one line"
    )


async def test_a_secret_or_file_that_cannot_be_read_does_not_hide_other_targets(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NONE", raising=False)
    peer = await nursery.start(FakePeer(usual=answer(500)).serve)
    (tmp_path / "empty.pem").touch()
    targets = (
        Target("secret", peer.url, username="me", password=Secret("env", "NONE")),
        Target("missing", "https://127.0.0.1:1", ca_file=Path("/nonexistent.pem")),
        Target("empty", "https://127.0.0.1:1", ca_file=tmp_path / "empty.pem"),
        Target("other", peer.url),
    )
    said = [message for *_, message in told(await run(today(), Params(targets)))]

    assert len(said) == 4
    assert ": it cannot be asked: cannot read the secret: the variable NONE" in said[0]
    assert ": cannot load /nonexistent.pem: " in said[1]
    assert f": cannot load {tmp_path}/empty.pem: " in said[2]
    assert said[3].endswith(": status 500, expected 200-299")
    assert len(peer.requests) == 1
