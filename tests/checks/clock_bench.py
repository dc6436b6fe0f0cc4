"""Looks of the `clock` check at NTP servers on loopback, for its tests."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from checks import clock
from checks.clock import Params, TimeServer
from supervisor.api import Condition, Context, Observation
from tests.support.check_context import context
from tests.support.ntp_server import NOW, NtpServer


def present() -> Context:
    return evolve(context(), clock=lambda: NOW)


def at(server: NtpServer, host: str = "127.0.0.1", **settings: Any) -> TimeServer:
    return TimeServer(host, server.port, **settings)


async def look(
    *servers: TimeServer, given: Context | None = None, **settings: Any
) -> list[Observation]:
    params = Params(servers, synchronised=False, **settings)
    return list(await clock.run(given or present(), params))


def conditions(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


def names(seen: list[Observation]) -> list[str]:
    return [item.alertname for item in conditions(seen)]


def messages(seen: list[Observation]) -> list[str]:
    return [item.message for item in conditions(seen)]
