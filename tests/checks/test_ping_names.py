"""Hosts that the `ping` check knows by name: both families, and names that do not resolve."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._ping import names
from supervisor.api import Duration
from tests.checks.ping_bench import at, conditions, dropping, host, loss, on_loopback
from tests.support.echo_network import V4, V6, Network
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.network_namespace import needs_root

pytestmark = needs_root


def test_names_and_both_families_are_asked_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(socket.AF_INET6, (f"{V6}9", 0, 0, 0)), (socket.AF_INET, (f"{V4}.9", 0))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(each[0], 0, 0, "", each[1]) for each in places]
    )
    wanted = {name: host("gw.example.invalid", family=name) for name in ("", "ipv4", "ipv6")}
    network = Network()
    seen = at(
        network,
        *(evolve(each, name=f"of {name or 'either'}") for name, each in wanted.items()),
        count=1,
    )

    assert loss(seen) == {"of either": 0, "of ipv4": 0, "of ipv6": 0}
    assert Counter(request.target for request in network.requests) == {f"{V6}9": 2, f"{V4}.9": 1}


def test_a_name_is_shown_with_the_address_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    place = (socket.AF_INET, 0, 0, "", (f"{V4}.9", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    seen = at(Network(dropping(range(4))), host("gw.example.invalid"), timeout=Duration(0.1))

    message = f"gateway (gw.example.invalid, {V4}.9): no answer to 4 requests"
    assert conditions(seen) == [("Packet loss", "E", message)]


def test_a_name_without_such_an_address_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    place = (socket.AF_INET, 0, 0, "", (f"{V4}.9", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    seen = on_loopback(host("gw.example.invalid", family="ipv6"))

    message = "gateway (gw.example.invalid): the name has no address of ipv6"
    assert conditions(seen) == [("Ping failed", "E", message)]


def test_a_name_that_cannot_be_resolved_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    seen = on_loopback(host("gw.example.invalid"), host("127.0.0.9", "other"))

    message = "gateway (gw.example.invalid): cannot resolve the name: Name or service not known"
    assert conditions(seen) == [("Ping failed", "E", message)]
    assert loss(seen) == {"other": 0}


def test_a_resolver_that_hangs_keeps_no_host_from_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging = Hanging()
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setattr(names, "SECONDS", 0.2)
    slow = [host(f"{number}.example.invalid", f"{number}") for number in range(80)]
    try:
        seen = on_loopback(*slow, host("127.0.0.9", "other"))
    finally:
        hanging.released.set()
        trio.run(until_no_thread_hangs)

    assert loss(seen) == {"other": 0}
    assert len(conditions(seen)) == 80
    assert conditions(seen)[0][2].endswith("cannot resolve the name: no answer within 0.2 s")
