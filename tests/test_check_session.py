"""The `session` check on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import _sockets
from checks.session import Params, Session, run
from supervisor.api import Condition, Measurement
from tests.commands import context


@contextmanager
def sessions(count: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Hold so many established sessions to one local port, and give the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(
            socket.create_server((host, 0), family=family, backlog=count)
        )
        port: int = listener.getsockname()[1]
        for _ in range(count):
            stack.enter_context(socket.create_connection((host, port)))
            stack.enter_context(listener.accept()[0])
        yield port


async def seen(params: Params) -> list[Condition]:
    return [item for item in await run(context(), params) if isinstance(item, Condition)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_readers_count_the_sessions_of_a_port(host: str) -> None:
    with sessions(300, host) as port:
        found = (_sockets.count_by_netlink()[port], _sockets.count_by_proc()[port])

    assert found == (300, 300)


async def test_strictly_more_or_fewer_than_the_limit_fires() -> None:
    with sessions(3) as port:
        wrong = {
            (when, limit)
            for when in ("over", "under")
            for limit in (2, 3, 4)
            if await seen(Params(sessions=(Session("x", port, limit, when),)))
        }

    assert wrong == {("over", 2), ("under", 4)}


async def test_a_session_that_ends_resolves_it() -> None:
    with sessions(2) as port:
        params = Params(sessions=(Session("x", port, 1),))
        (condition,) = await seen(params)
    after = await seen(params)

    assert (condition.alertname, condition.event_type, condition.instance) == (
        "Session count",
        "W",
        "x",
    )
    assert after == []


async def test_without_alert_it_is_only_measured() -> None:
    with sessions(2) as port:
        found = list(await run(context(), Params(sessions=(Session("x", port, 0, alert=False),))))

    assert not [item for item in found if isinstance(item, Condition)]
    assert 2.0 in [item.value for item in found if isinstance(item, Measurement)]


async def test_the_total_has_a_limit_of_its_own() -> None:
    with sessions(2):
        (condition,) = await seen(Params(max_total=1))

    assert condition.instance == "total"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "total", "port": 1, "limit": 1},
        {"name": "x", "port": 0, "limit": 1},
        {"name": "x", "port": 1, "limit": -1},
        {"name": " ", "port": 1, "limit": 1},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"; |write"):
        Session(**wrong)


@given(st.binary(max_size=200))
def test_a_hostile_table_or_dump_ends_in_an_error_that_is_foreseen(junk: bytes) -> None:
    for parse in (
        lambda: list(_sockets.parse_table(junk.splitlines())),
        lambda: _sockets.parse_dump(junk, 1),
    ):
        try:
            parse()
        except (ValueError, IndexError, OSError):
            continue
