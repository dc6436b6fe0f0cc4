"""What the tests of the `certificate` check share: servers that speak TLS, and looks at them."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from attrs import evolve

from checks.certificate import Certificate, Params, run
from supervisor.api import Condition, Context, Observation
from supervisor.observations import Duration
from tests.support.check_context import context

CA = trustme.CA()


def ending(days: float) -> trustme.LeafCert:
    """Return a certificate for 127.0.0.1 that ends in that many days."""
    return CA.issue_cert("127.0.0.1", "localhost", not_after=datetime.now(UTC) + timedelta(days))


def today() -> Context:
    return evolve(context(), clock=lambda: datetime.now(UTC).timestamp())


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def serve(
    handler: Callable[[trio.SocketStream], Awaitable[None]],
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    task_status.started(port)
    await trio.serve_listeners(handler, [listener])


async def speak_tls(leaf: trustme.LeafCert, plain: trio.SocketStream) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(tls)
    await speak(tls, plain)


async def speak(tls: ssl.SSLContext, plain: trio.SocketStream, *, starttls: bool = False) -> None:
    if starttls:
        for reply in (b"220 hello\r\n", b"250 fine\r\n", b"220 go on\r\n"):
            await plain.send_all(reply)
            if not reply.endswith(b"on\r\n"):
                await plain.receive_some(1000)
    try:
        await trio.SSLStream(plain, tls, server_side=True).do_handshake()
        await plain.receive_some(1)
    except trio.BrokenResourceError:
        pass  # the client does not trust the server


async def look(within: float = 5.0, **given: Any) -> list[Observation]:
    params = Params((Certificate("x", **given),), Duration(within))
    return list(await run(today(), params))


def told(seen: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


async def silent(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()
