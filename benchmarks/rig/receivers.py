"""Who takes the alerts of `delivery`: a real Alertmanager, or a process that only reads."""

from __future__ import annotations

import multiprocessing
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define

from tests.e2e.servers import AlertmanagerServer

CONFIG = """
route: {receiver: nobody, group_by: [alertname], repeat_interval: 12h}
receivers: [{name: nobody}]
"""
"""For an Alertmanager that sends no notifications."""


@define
class SilentAlertmanager(AlertmanagerServer):
    """An Alertmanager that sends no notifications."""

    flags: tuple[str, ...] = ("--cluster.listen-address=", "--log.level=error")

    def configure(self, config: Path) -> None:
        config.write_text(CONFIG, encoding="utf-8")


@contextmanager
def alertmanager() -> Iterator[str]:
    """Run a new Alertmanager that sends no notifications; yield its URL."""
    with tempfile.TemporaryDirectory(prefix="delivery-") as directory:
        server = SilentAlertmanager(Path(directory), smarthost="")
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@contextmanager
def reader() -> Iterator[str]:
    """Run a process that reads requests and answers each with 200; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(target=_read, args=(listener,))
        process.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.join()


def _read(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                size = 0
                while line := stream.readline().strip():
                    name, _, value = line.partition(b":")
                    size = int(value) if name.lower() == b"content-length" else size
                stream.read(size)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
