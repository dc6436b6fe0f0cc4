"""Which requests the status page answers, and with which headers."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.config.secret import Secret
from supervisor.config.service import StatusListener
from supervisor.web.guard import is_own, presented
from tests.support.web_bench import LISTEN, WebBench, client_of, modules

LOCAL = StatusListener(listen=LISTEN, hosts=("Status.Example.Invalid",))
PUBLIC = evolve(LOCAL, listen="0.0.0.0:9477", external_url="https://proxy.example.invalid/host/")
TOKEN = "a long random text"  # noqa: S105 - a dummy

ALL_PATHS = ("/", "/api/status", "/metrics", "/-/healthy", "/-/ready")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9477",
        "localhost",
        "LOCALHOST:80",
        "localhost.:9477",
        "[::1]:9477",
        "status.example.invalid",
    ],
)
def test_the_hosts_own_names_are_served(host: str) -> None:
    assert is_own(host.encode(), LOCAL)
    assert is_own(host.encode(), PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "attacker.example.invalid",
        "127.0.0.1.example.invalid",
        "192.0.2.1",
        "[",
        "a b",
        "\xff",
        "[x",
    ],
)
def test_a_name_that_others_can_point_here_is_refused(host: str) -> None:
    assert not is_own(host.encode("latin-1"), LOCAL)


def test_a_listener_for_other_hosts_is_known_by_addresses_and_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Shop1")
    names = (b"192.0.2.1:9477", b"[2001:db8::1]", b"shop1:9477", b"proxy.example.invalid")

    assert [is_own(name, PUBLIC) for name in names] == [True] * 4
    assert [is_own(name, LOCAL) for name in names] == [False] * 4
    assert not is_own(b"shop2", PUBLIC)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer  abc ", b"abc"),
        (b"Basic " + base64.b64encode(b"any:a:b"), b"a:b"),
        (b"Basic " + base64.b64encode(b"abc"), b""),
        (b"Basic ***", None),
        (b"Digest abc", None),
        (b"", None),
    ],
)
def test_a_token_comes_as_bearer_or_as_password(header: bytes, token: bytes | None) -> None:
    assert token == presented(header)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def guarded(token_file: Path) -> WebBench:
    status = StatusListener(listen=LISTEN, token=Secret("file", str(token_file)))
    return WebBench.make(*modules(1), status=status)


async def test_without_the_token_only_probes_are_answered(token_file: Path) -> None:
    async with client_of(guarded(token_file)) as client:
        found = [(await client.get(path)).status_code for path in ALL_PATHS]
        asked = (await client.get("/")).headers["www-authenticate"]

    assert found == [401, 401, 401, 200, 200]
    assert asked.startswith("Basic ")


@pytest.mark.parametrize("wrong", ["Bearer x", "Bearer", "Basic Og==", f"Bearer {TOKEN}x"])
async def test_a_wrong_token_opens_nothing(token_file: Path, wrong: str) -> None:
    async with client_of(guarded(token_file), authorization=wrong) as client:
        assert (await client.get("/metrics")).status_code == 401


async def test_the_token_opens_everything_and_may_be_changed_at_any_time(token_file: Path) -> None:
    basic = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    async with client_of(guarded(token_file)) as client:
        found = [
            (await client.get("/metrics", headers={"authorization": value})).status_code
            for value in (f"Bearer {TOKEN}", f"Basic {basic}")
        ]
        token_file.write_text("another", encoding="utf-8")  # noqa: ASYNC240 - a small file
        after = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})

    assert (found, after.status_code) == ([200, 200], 401)


async def test_when_the_token_cannot_be_read_every_request_is_refused(token_file: Path) -> None:
    bench = guarded(token_file)
    token_file.unlink()  # noqa: ASYNC240 - a small file
    async with client_of(bench, authorization="Basic Og==") as client:
        assert (await client.get("/")).status_code == 401


async def test_a_token_that_cannot_be_read_is_said_once(
    token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = guarded(token_file)
    token_file.unlink()  # noqa: ASYNC240 - a small file
    async with client_of(bench, authorization="Basic Og==") as client:
        for _ in range(3):
            await client.get("/")

    assert caplog.text.count("every request is refused") == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
async def test_only_get_and_head_are_answered(method: str) -> None:
    async with client_of(WebBench.make(*modules(1))) as client:
        answer = await client.request(method, "/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_strange_host_is_refused_everywhere() -> None:
    async with client_of(WebBench.make(*modules(1)), host="attacker.example.invalid") as client:
        assert {(await client.get(path)).status_code for path in ALL_PATHS} == {403}


async def test_a_body_is_refused() -> None:
    async with client_of(WebBench.make(*modules(1))) as client:
        answer = await client.request("GET", "/", content=b"x" * 100_000)

    assert answer.status_code == 413


@pytest.mark.parametrize("path", [*ALL_PATHS, "/nothing", "/reports/unknown"])
async def test_every_answer_has_the_headers_that_protect_a_browser(path: str) -> None:
    async with client_of(WebBench.make(*modules(1))) as client:
        headers = (await client.get(path)).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
