"""Queries for the tests of the `dns` check, and what it says of the answers."""

from __future__ import annotations

from typing import Any

from checks import dns as check
from checks._dns.query import Query
from checks.dns import Params
from supervisor.api import Condition, Duration, Observation
from tests.support.check_context import context
from tests.support.dns_server import DnsServer, Respond

NAME = "example.invalid"
MAIL = f"{NAME}. MX 10 mail.{NAME}."


def query(server: DnsServer | None = None, **settings: Any) -> Query:
    given = {"name": "q", "ask": NAME, "type": "MX", "timeout": Duration(5)}
    if server is not None:
        given["servers"] = (server.place,)
    return Query(**{**given, **settings})


async def look(*queries: Query) -> list[Observation]:
    return list(await check.run(context(), Params(queries)))


def conditions(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


async def said(respond: Respond, **settings: Any) -> str:
    """Return what is wrong with an answer. Empty: nothing."""
    async with DnsServer(respond).running() as server:
        found = conditions(await look(query(server, **settings)))
    if not found:
        return ""
    (condition,) = found
    assert condition.alertname == "DNS check failed"
    assert condition.instance == "q"
    return condition.message.partition(f"at {server.place}: ")[2]
