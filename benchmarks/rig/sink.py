"""Takes notifications: over HTTP, from a program, and from a real Alertmanager.

Each notification contains the name of a probe: `p` and its port. The first one makes a file of that
name, whose time is that of the notification.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from attrs import define, field

from tests.e2e.servers import AlertmanagerServer

NAME = re.compile(rb"\bp\d{4,5}\b")
"""The name of a probe."""

NOTIFIED = "/notified"
"""The path that the Alertmanager posts notifications to."""


@define
class WebhookAlertmanager(AlertmanagerServer):
    """An Alertmanager that posts each alert to a URL, on its own and at once."""

    webhook: str = field(default="", kw_only=True)

    def configure(self, config: Path) -> None:
        """Write the configuration file: JSON, which is YAML, too."""
        route = {"receiver": "sink", "group_by": ["..."], "group_wait": "0s"}
        receiver = {"name": "sink", "webhook_configs": [{"url": self.webhook}]}
        text = json.dumps({"route": route, "receivers": [receiver]})
        config.write_text(text, encoding="utf-8")


@define
class Sink:
    """A server that takes notifications, and passes alerts on to the Alertmanager behind it."""

    directory: Path
    port: int = 0
    accepted: dict[str, float] = field(factory=dict)
    """When the Alertmanager first accepted an alert of each name, in Unix seconds."""
    _upstream: str = ""

    @classmethod
    @contextlib.contextmanager
    def open(cls, directory: Path) -> Iterator[Sink]:
        """Run the server and its Alertmanager."""
        directory.mkdir()
        sink = cls(directory)
        server = ThreadingHTTPServer(("127.0.0.1", 0), sink._handler())
        server.daemon_threads = True
        sink.port = server.server_address[1]
        alertmanager = WebhookAlertmanager(directory, "", webhook=sink.url + NOTIFIED)
        sink._upstream = alertmanager.url
        program = f'#!/bin/sh\n[ -e "{directory}/$1" ] || : > "{directory}/$1"\n'
        sink.program.write_text(program, encoding="utf-8")
        sink.program.chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            alertmanager.start()
            yield sink
        finally:
            alertmanager.stop()
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def url(self) -> str:
        """Return the URL that takes alerts, like an Alertmanager."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def program(self) -> Path:
        """Return the program that notifies; its argument is the name."""
        return self.directory / "notify"

    def notified(self, name: str) -> float | None:
        """Return when the name was first notified, in Unix seconds."""
        try:
            return (self.directory / name).stat().st_mtime
        except FileNotFoundError:
            return None

    def _notify(self, body: bytes) -> None:
        for name in NAME.findall(body):
            path = self.directory / name.decode()
            if not path.exists():
                path.touch()

    def _forward(self, path: str, body: bytes | None) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 - loopback
            self._upstream + path, body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        for name in NAME.findall(body or b""):
            self.accepted.setdefault(name.decode(), time.time())
        return status, text

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                self._answer(*sink._forward(self.path, None))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == NOTIFIED:
                    sink._notify(body)
                    self._answer(200, b"")
                else:
                    self._answer(*sink._forward(self.path, body))

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
