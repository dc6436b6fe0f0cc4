"""What Alertmanager posts to, in place of whoever waits for heartbeats."""

from __future__ import annotations

import json
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
    bodies: list[bytes] = field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/heartbeat"

    def notifications(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in [*self.bodies]]

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Webhook]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        hook = cls(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        with hook.server:
            Thread(target=hook.server.serve_forever, daemon=True).start()
            yield hook
            hook.server.shutdown()
