"""The `ping` check in network namespaces: loss, delay, duplicates, reordering, forged answers."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import trio
from attrs import evolve

from supervisor.api import Duration, Limit, Observation
from tests.checks.ping_bench import at, conditions, dropping, host, look, loss, values
from tests.support.echo_network import V4, V6, Behaviour, Echo, Network, before
from tests.support.network_namespace import needs_root

pytestmark = needs_root

COUNT = 200


def forging(**changes: Any) -> Behaviour:
    """Answer with what is not quite right."""

    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        yield 0, evolve(request.reply(), **changes)

    return behave


@pytest.mark.parametrize("address", [f"{V4}.9", f"{V6}9"])
def test_a_host_that_answers_is_measured(address: str) -> None:
    seen = at(Network(), host(address))

    assert loss(seen) == {"gateway": 0}
    assert 0 < values(seen, "ping_seconds")["gateway"] < 10
    assert conditions(seen) == []


def test_a_loss_of_40_percent_is_measured_and_ends() -> None:
    network = Network(dropping(random.Random(26).sample(range(COUNT), COUNT * 40 // 100)))
    quick = {"count": COUNT, "timeout": Duration(3)}
    seen = at(network, host(), **quick)
    network.behave = dropping(())
    after = at(network, host(), **quick)

    message = f"gateway ({V4}.9): 40 % of 200 requests lost (limit W 20 %, E 60 %)"
    assert loss(seen) == {"gateway": 40}
    assert conditions(seen) == [("Packet loss", "W", message)]
    assert (loss(after), conditions(after)) == ({"gateway": 0}, [])


def test_the_alert_may_have_another_name() -> None:
    """Such as that by which the shipped configuration of Alertmanager holds other alerts back."""
    seen = at(Network(dropping(range(4))), host(), timeout=Duration(0.1), alertname="Host down")

    assert [name for name, _, _ in conditions(seen)] == ["Host down"]


def test_a_host_that_does_not_answer_has_lost_all() -> None:
    seen = at(Network(dropping(range(4))), host(), timeout=Duration(0.1))

    message = f"gateway ({V4}.9): no answer to 4 requests"
    assert loss(seen) == {"gateway": 100}
    assert values(seen, "ping_seconds") == {}
    assert conditions(seen) == [("Packet loss", "E", message)]


def test_a_plain_limit_has_the_event_type_of_the_host() -> None:
    limited = host(max_loss_percent=Limit.of(10.0), event_type="S")
    seen = at(Network(dropping([1])), limited, timeout=Duration(2))

    message = f"gateway ({V4}.9): 25 % of 4 requests lost, more than 10 %"
    assert conditions(seen) == [("Packet loss", "S", message)]


def test_a_delay_of_100_ms_is_measured() -> None:
    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        yield 0.1, request.reply()

    limit = Limit((("W", Duration(0.05)), ("E", Duration(20))))
    seen = at(Network(behave), host(max_seconds=limit))

    assert 0.1 <= values(seen, "ping_seconds")["gateway"] < 10
    ((name, kind, message),) = conditions(seen)
    assert (name, kind) == ("Ping slow", "W")
    assert message.startswith(f"gateway ({V4}.9): an answer takes ")
    assert message.endswith("s on average (limit W 0.05 s, E 20 s)")


def test_duplicates_count_once() -> None:
    lost = dropping(range(4, 10))

    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        for after, reply in lost(request):
            yield from [(after, reply)] * 3

    seen = at(Network(behave), host(), count=10, timeout=Duration(2))

    assert loss(seen) == {"gateway": 60}


def test_answers_in_another_order_are_not_lost() -> None:
    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        yield (20 - request.sequence) * 0.03, request.reply()

    network = Network(behave)
    seen = at(network, host(), count=20)

    assert [request.sequence for request in network.requests] == [*range(20)]
    assert loss(seen) == {"gateway": 0}
    assert 0.3 <= values(seen, "ping_seconds")["gateway"] < 10


def test_a_late_answer_is_lost() -> None:
    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        yield 0.0 if request.sequence == 3 else 2.2, request.reply()

    seen = at(Network(behave), host(), interval=Duration(0.3), timeout=Duration(2))

    assert loss(seen) == {"gateway": 75}


@pytest.mark.parametrize(
    "changes",
    [
        {"source": f"{V4}.77"},
        {"sequence": 12},
        {"payload": b"another's cookie"},
        {"payload": b""},
        {"is_reply": False},
    ],
    ids=["another host", "another sequence", "another cookie", "nothing", "a request"],
)
def test_an_answer_that_is_not_quite_right_is_dropped(changes: dict[str, Any]) -> None:
    seen = at(Network(forging(**changes)), host(), timeout=Duration(0.2))

    assert loss(seen) == {"gateway": 100}


def test_a_host_is_not_taken_for_another() -> None:
    """The second one answers in the name of the first, with the cookie that it was sent itself."""

    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        if request.target == f"{V4}.10":
            yield 0, request.reply()
            yield 0, evolve(request.reply(), source=f"{V4}.9")

    hosts = (host(), host(f"{V4}.10", "other"))
    seen = at(Network(behave), *hosts, timeout=Duration(2))

    assert loss(seen) == {"gateway": 100, "other": 0}


def test_answers_of_an_earlier_run_are_dropped() -> None:
    network = Network()
    at(network, host())
    earlier = iter([request.reply() for request in network.requests])

    def behave(request: Echo) -> Iterator[tuple[float, Echo]]:
        yield 0, evolve(next(earlier), identifier=request.identifier)

    network.behave = behave
    seen = at(network, host(), timeout=Duration(0.2))

    assert loss(seen) == {"gateway": 100}


def test_what_another_process_pings_is_not_counted() -> None:
    """It pings the same host at the same time. The host answers that process alone."""

    def main() -> list[Observation]:
        with subprocess.Popen(OTHER, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            try:
                return trio.run(partial(look, host(), count=20, timeout=Duration(0.2)))
            finally:
                other.kill()

    network = Network(lambda request: [(0, request.reply())] * (len(request.payload) == 1))
    seen = before(network, main)

    assert loss(seen) == {"gateway": 100}


OTHER = [
    sys.executable,
    "-c",
    f"""
import itertools, socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
for number in itertools.count():
    sock.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, number % 65536) + b"x", ("{V4}.9", 0))
    sock.recv(100)
    print(flush=True)
    time.sleep(0.001)
""",
]
"""Pings until it is killed, and says so after each answer."""
