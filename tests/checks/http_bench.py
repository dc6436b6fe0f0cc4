"""What the tests of the `http` check share: a look at a server on loopback, and what it tells."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
import trustme
from attrs import evolve

from checks._http.target import Target
from checks.http import Params, run
from supervisor.api import Condition, Context, Observation
from supervisor.observations import Duration
from tests.support.check_context import context
from tests.support.fake_peer import Behaviour, FakePeer
from tests.support.sockets import open_sockets

CA = trustme.CA()
SOON = 0.8
"""Seconds: the timeout of a target that never answers."""


@pytest.fixture(autouse=True)
def no_socket_is_left() -> Iterator[None]:
    before = open_sockets()
    yield

    assert open_sockets() == before


def today() -> Context:
    return evolve(context(), clock=lambda: datetime.now(UTC).timestamp())


async def look(url: str, within: float = 5.0, **given: Any) -> list[Observation]:
    target = Target("x", url, timeout=Duration(within), **given)
    return list(await run(today(), Params((target,))))


def told(seen: Iterable[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


async def asked(nursery: trio.Nursery, behaviour: Behaviour, **given: Any) -> list[str]:
    """Ask a server with this behaviour, and return the messages."""
    peer = await nursery.start(FakePeer(usual=behaviour).serve)
    return [message for *_, message in told(await look(peer.url, **given))]


def tls(days: float) -> ssl.SSLContext:
    leaf = CA.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(server)
    return server
