"""The Alertmanager of this host. It is asked for its version, on its usual port alone."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence

from supervisor.discover.sources.listeners import Listener

PORT = 9093
"""The usual port of an Alertmanager."""

TIMEOUT = 2.0
"""Seconds that question and answer may take together."""

MAX_BYTES = 1 << 20
"""An answer of more bytes is not one of an Alertmanager."""


def alertmanagers(heard: Sequence[Listener]) -> tuple[str, ...]:
    """Return the URL of the Alertmanager that listens on this host. Empty if there is none."""
    return tuple(_url(one) for one in heard if one.port == PORT and _is_alertmanager(one))


def _url(listener: Listener) -> str:
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"http://{host}:{listener.port}"


def _is_alertmanager(listener: Listener) -> bool:
    try:
        answer = _status(listener)
        status = json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(status, dict) and "versionInfo" in status


def _status(listener: Listener) -> bytes:
    """Return head and body of the answer, cut at `MAX_BYTES`.

    HTTP 1.0 ends the answer with the connection. A timeout of a library would begin again with
    each byte; this one is for the whole answer.
    """
    deadline = time.monotonic() + TIMEOUT
    answer = b""
    with socket.create_connection((listener.host, listener.port), TIMEOUT) as connection:
        connection.sendall(b"GET /api/v2/status HTTP/1.0\r\n\r\n")
        while len(answer) < MAX_BYTES:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            if not (part := connection.recv(65536)):
                break
            answer += part
            if time.monotonic() > deadline:
                raise TimeoutError
    return answer
