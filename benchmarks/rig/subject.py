"""A supervisor that a benchmark runs and measures from outside, by /proc and /metrics."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from attrs import define, field

from benchmarks.rig.process_tree import cpu_seconds
from benchmarks.rig.task import ROOT
from tests.support.ports import free_port


@define
class Subject:
    """A running `python -m supervisor`, and its service file."""

    directory: Path
    process: subprocess.Popen[bytes] = field(init=False)
    port: int = 0
    """Of the status page; 0 without one."""
    ready: float = 0.0
    """Seconds from exec to READY=1."""

    def start(self, text: str, *, listen: bool = True) -> None:
        """Write the service file, start, and wait until it says that it is ready."""
        self.configure(text, listen=listen)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            address = str(self.directory / "notify")
            Path(address).unlink(missing_ok=True)
            sock.bind(address)
            sock.settimeout(1)
            begun = time.perf_counter()
            with (self.directory / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "supervisor", *self._options()],
                    cwd=ROOT,
                    env=os.environ | {"NOTIFY_SOCKET": address},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            while b"READY=1" not in _received(sock):
                if self.process.poll() is not None or time.perf_counter() > begun + 120:
                    sys.exit(f"cannot measure: the supervisor is not ready:\n{self.log}")
            self.ready = time.perf_counter() - begun

    def configure(self, text: str, *, listen: bool = True) -> None:
        """Write the service file; a running supervisor reads it on SIGHUP."""
        if listen:
            self.port = self.port or free_port()
            text += f'\n[status]\nlisten = "127.0.0.1:{self.port}"\n'
        (self.directory / "Bench.toml").write_text(text, encoding="utf-8")

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -signal.SIGKILL

    @property
    def log(self) -> str:
        """Return the end of its output."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")[-4000:]

    @property
    def ledger_bytes(self) -> int:
        """Return how many bytes the ledger has on disk."""
        return sum(file.stat().st_size for file in (self.directory / "state").glob("ledger*"))

    def cpu_seconds(self) -> float:
        """Return its CPU time until now, with that of its children."""
        return cpu_seconds(self.process.pid)

    def reload(self, text: str) -> None:
        """Write another service file and make the supervisor read it."""
        self.configure(text)
        self.process.send_signal(signal.SIGHUP)

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        return self._status("VmRSS") * 1024

    def threads(self) -> int:
        return self._status("Threads")

    def descriptors(self) -> int:
        """Return how many files it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def children(self) -> list[int]:
        """Return its children, zombies included."""
        return [
            int(child)
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for child in (task / "children").read_text(encoding="ascii").split()
        ]

    def metric(self, name: str) -> list[float]:
        """Return the value of every sample of a metric."""
        return samples(self.scrape(), name)

    def scrape(self) -> str:
        """Return the page that Prometheus reads."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    def _options(self) -> Sequence[str]:
        state = self.directory / "state"
        return ["--service=Bench", f"--config-dir={self.directory}", f"--state-dir={state}"]

    def _status(self, key: str) -> int:
        return int(re.findall(rf"^{key}:\s+(\d+)", self._read("status"), re.MULTILINE)[0])

    def _read(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text(encoding="utf-8")


def samples(page: str, name: str) -> list[float]:
    """Return the value of every sample of a metric on a page."""
    pattern = re.compile(rf"^supervisor_{name}(?:{{.*}})? (\S+)", re.MULTILINE)
    return [float(value) for value in pattern.findall(page)]


class _Taker(BaseHTTPRequestHandler):
    """Takes every alert."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(b'{"versionInfo": {"version": "0.0.0"}}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _TakerServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Taker)
        self._connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """Write nothing when a client has closed its connection."""

    def hang_up(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def taker(port: int = 0) -> Iterator[str]:
    """Run a server that takes every alert and keeps none; yield its URL."""
    server = _TakerServer(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        server.hang_up()


@contextlib.contextmanager
def listener() -> Iterator[int]:
    """Accept and close every connection to a port of this host; yield the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as sock:
        thread = threading.Thread(target=_accept, args=(sock,))
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            sock.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock.accept()[0].close()


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except TimeoutError:
        return b""
