"""What Alertmanager posts to, in place of whoever waits for heartbeats."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from attrs import define, field


@define
class Webhook:
    """Keeps what is posted to it."""

    server: ThreadingHTTPServer
    received: list[tuple[float, bytes]] = field(factory=list)
    """When each body came, as Unix time."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/heartbeat"

    def notifications(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in [*self.received]]

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Webhook]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append((time.time(), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        hook = cls(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        with hook.server:
            Thread(target=hook.server.serve_forever, daemon=True).start()
            yield hook
            hook.server.shutdown()
