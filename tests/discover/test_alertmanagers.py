"""Only what answers as an Alertmanager is written down as one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supervisor.discover.sources import alertmanagers
from supervisor.discover.sources.listeners import Listener

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
STATUS = b'{"versionInfo": {"version": "0.25.0"}, "config": {"original": ""}}'


@contextmanager
def answering(*parts: bytes, pause: float = 0.0) -> Iterator[int]:
    """Give the port of a server that sends these parts to whoever asks."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            try:
                for part in parts:
                    connection.sendall(part)
                    done.wait(pause)
            except OSError:  # the other side has heard enough
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "is_one"),
    [
        ((HEAD, STATUS), True),
        ((HEAD, b'{"other": 1}'), False),
        ((HEAD, b"[1]"), False),
        ((HEAD, b"<html>"), False),
        ((HEAD, b"[" * 100_000), False),
        ((HEAD, *(b" " * 65536,) * 40, STATUS), False),
        ((b"SSH-2.0-OpenSSH\r\n",), False),
        ((b"",), False),
    ],
)
def test_what_answers_as_an_alertmanager_is_one(
    answer: tuple[bytes, ...], is_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(*answer) as port:
        monkeypatch.setattr(alertmanagers, "PORT", port)
        heard = [Listener(port, "127.0.0.1")]
        found = alertmanagers.alertmanagers(heard)

    assert found == ((f"http://127.0.0.1:{port}",) if is_one else ())


def test_one_that_drips_or_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanagers, "TIMEOUT", 0.2)
    began = time.monotonic()
    with answering(HEAD, *(b" ",) * 10_000, pause=0.05) as port:
        monkeypatch.setattr(alertmanagers, "PORT", port)

        assert alertmanagers.alertmanagers([Listener(port, "127.0.0.1")]) == ()
        assert time.monotonic() - began < 60


def test_one_that_is_gone_is_not_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setattr(alertmanagers, "PORT", port)

    assert alertmanagers.alertmanagers([Listener(port, "127.0.0.1")]) == ()
