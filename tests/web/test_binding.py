"""The sockets of the status listener: bound, refused with a reason, and handed over."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from supervisor.config.secret import Secret
from supervisor.config.service import Service, StatusListener
from supervisor.errors import SupervisorError
from supervisor.web.binding import addresses, bind
from tests.support.ledger_bench import service_of


def listening(listen: str, token: Secret | None = None) -> Service:
    return service_of(status=StatusListener(listen=listen, token=token))


@contextmanager
def bound(
    service: Service, old: Sequence[trio.SocketListener] = ()
) -> Iterator[list[trio.SocketListener]]:
    listeners = bind(service, addresses(service), old)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.socket.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        found: int = sock.getsockname()[1]
        return found


def test_without_an_address_nothing_is_bound() -> None:
    with bound(listening("")) as listeners:
        assert listeners == []


async def test_each_address_of_a_name_is_bound(port: int) -> None:
    with bound(listening(f"localhost:{port}")) as listeners:
        found = {listener.socket.getsockname()[0] for listener in listeners}

    assert "127.0.0.1" in found
    assert found <= {"127.0.0.1", "::1"}


async def test_a_port_that_is_taken_is_named_with_a_remedy(port: int) -> None:
    service = listening(f"127.0.0.1:{port}")
    with bound(service), pytest.raises(SupervisorError) as caught:
        bind(service, addresses(service))

    assert str(caught.value) == (
        f"X.toml: status.listen: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another port, or end the program that uses this one"
    )


async def test_a_foreign_address_is_named_with_a_remedy() -> None:
    service = listening("192.0.2.1:9477")
    with pytest.raises(SupervisorError, match=r"status\.listen: cannot listen on 192.0.2.1:9477"):
        bind(service, addresses(service))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
    ],
)
def test_an_unknown_name_is_named_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        SupervisorError, match=rf"host\.example\.invalid cannot be resolved: {said}"
    ):
        addresses(listening("host.example.invalid:80"))


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_missing_or_empty_token_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
    with pytest.raises(SupervisorError, match=r"^X\.toml: status\.token: "):
        addresses(listening("127.0.0.1:0", Secret("file", str(file))))


def test_a_token_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    token = Secret("file", str(tmp_path / "pipe"))

    with pytest.raises(SupervisorError, match=r"status\.token: .*: it is not a regular file"):
        addresses(listening("127.0.0.1:0", token))


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost"])
async def test_a_reload_takes_the_same_port_while_the_old_listener_goes_on(
    listen: str, port: int
) -> None:
    with (
        bound(listening(f"127.0.0.1:{port}")) as old,
        bound(listening(f"{listen}:{port}"), old) as new,
    ):
        stranger = listening(f"127.0.0.1:{port}")
        with pytest.raises(SupervisorError, match="already in use"):
            bind(stranger, addresses(stranger))
        for listener in old:
            listener.socket.close()
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        with trio.fail_after(5):
            accepted = await next(
                each for each in new if each.socket.family == socket.AF_INET
            ).accept()
        await stream.aclose()
        await accepted.aclose()
