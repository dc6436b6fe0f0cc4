"""Hosts for the tests of the `ping` check, in network namespaces, and looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import trio

from checks import ping
from checks.ping import Params, PingedHost
from supervisor.api import Condition, Duration, Measurement, Observation
from tests.support.check_context import context
from tests.support.echo_network import V4, Behaviour, Echo, Network, before, in_namespace

NEVER = Duration(30)
"""Seconds within which even a busy machine answers."""


async def look(*hosts: PingedHost, **settings: Any) -> list[Observation]:
    defaults = {"count": 4, "interval": Duration(0.01), "timeout": NEVER}
    return list(await ping.run(context(), Params(hosts, **(defaults | settings))))


def at(network: Network, *hosts: PingedHost, **settings: Any) -> list[Observation]:
    """Return what the check sees of the hosts behind a device."""
    return before(network, partial(trio.run, partial(look, *hosts, **settings)))


def on_loopback(*hosts: PingedHost, **settings: Any) -> list[Observation]:
    return in_namespace(partial(trio.run, partial(look, *hosts, **settings)))


def host(address: str = f"{V4}.9", name: str = "gateway", **settings: Any) -> PingedHost:
    return PingedHost(name, address, **settings)


def values(seen: Iterable[Observation], name: str) -> dict[str, float]:
    """Return the measurements of a name, by host."""
    return {
        item.labels["target"]: item.value
        for item in seen
        if isinstance(item, Measurement) and item.name == name
    }


def loss(seen: Iterable[Observation]) -> dict[str, float]:
    return values(seen, "ping_loss_percent")


def conditions(seen: Iterable[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


def dropping(sequences: Iterable[int]) -> Behaviour:
    """Lose these requests."""
    dropped = frozenset(sequences)

    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        if request.sequence not in dropped:
            yield 0, request.reply()

    return behave
