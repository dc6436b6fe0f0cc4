"""Servers, processes and swap for Debian's monitoring plugins to look at."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def swap() -> tuple[int, int]:
    """Return the bytes of swap space that there are, and those that are free."""
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    rows = dict(line.split(":") for line in meminfo.splitlines())
    return int(rows["SwapTotal"].split()[0]) * 1024, int(rows["SwapFree"].split()[0]) * 1024


@contextmanager
def running(*argv: str | Path) -> Iterator[None]:
    with subprocess.Popen(argv) as process:
        try:
            yield
        finally:
            process.kill()


class Greeter(BaseHTTPRequestHandler):
    """Answers each path with the status that it names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()
        self.wfile.write(b"greetings")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def web_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
    with server, in_thread(server.serve_forever, server.shutdown):
        yield server.server_port


@contextmanager
def answering(greeting: bytes) -> Iterator[int]:
    """Run a server that greets and then only listens."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # the listener was shut down
                while True:
                    connection, _ = listener.accept()
                    accepted.append(connection)
                    connection.sendall(greeting)

        with in_thread(serve, lambda: listener.shutdown(socket.SHUT_RDWR)):
            yield listener.getsockname()[1]
    for connection in accepted:
        connection.close()


@contextmanager
def in_thread(work: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join(10)
