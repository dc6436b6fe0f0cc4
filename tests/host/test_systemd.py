"""The messages that arrive at the service manager's socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from supervisor.host.systemd import Notifier
from tests.support.patience import undisturbed


@pytest.fixture(autouse=True)
def no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Return the address as systemd writes it, and the socket that listens there."""
    name = f"supervisor-test-{os.getpid()}"
    address = str(tmp_path / "notify") if request.param == "path" else f"@{name}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(address.replace("@", "\0", 1) if request.param == "abstract" else address)
        listener.settimeout(5)
        yield address, listener


def test_lines_arrive_as_one_datagram(
    manager: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, listener = manager
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    Notifier.from_environment().notify("READY=1", "STATUS=13 Module, é")
    Notifier.from_environment().notify("STOPPING=1")

    assert "READY=1\nSTATUS=13 Module, é" == listener.recv(4096).decode()
    assert b"STOPPING=1" == listener.recv(4096)


def test_without_a_manager_nothing_is_sent_and_nothing_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    notifier = Notifier.from_environment()
    notifier.notify("READY=1")

    assert Notifier("", None) == notifier


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("20000000", None, 20.0),
        pytest.param("20000000", str(os.getpid()), 20.0, id="our pid"),
        pytest.param("20000000", str(os.getpid() + 1), None, id="another pid"),
        ("20000000", "rubbish", None),
        ("soon", None, None),
        ("0", None, None),
        ("-5", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_the_one_that_was_meant_for_this_process(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is not None:
            monkeypatch.setenv(name, value)

    assert seconds == Notifier.from_environment().watchdog


@pytest.mark.parametrize("address", ["/gone/notify", "@nobody-listens", "x" * 500])
def test_a_manager_that_does_not_listen_is_not_an_error(address: str) -> None:
    Notifier(address).notify("READY=1")


def test_a_manager_that_does_not_read_does_not_block(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(path)
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other:
            other.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    other.sendto(b"x" * 1000, path)
        began = undisturbed()
        Notifier(path).notify("WATCHDOG=1")

        assert undisturbed() - began < 0.5
