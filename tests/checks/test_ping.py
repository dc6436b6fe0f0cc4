"""The `ping` check in network namespaces: loss, delay, duplicates, reordering, forged answers."""

from __future__ import annotations

import random
import resource
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pytest
import trio
from attrs import evolve

from checks import ping
from checks._ping import names, sockets
from checks.ping import Params, PingedHost
from supervisor.api import CheckFailed, Condition, Duration, Limit, Measurement, Observation
from tests.support.check_context import context
from tests.support.echo_network import V4, V6, Behaviour, Echo, Network, before, in_namespace
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.network_namespace import needs_root

pytestmark = needs_root

COUNT = 200
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


OTHER = [sys.executable, "-c"]
OTHER += [
    f"""
import itertools, socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
for number in itertools.count():
    sock.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, number % 65536) + b"x", ("{V4}.9", 0))
    sock.recv(100)
    print(flush=True)
    time.sleep(0.001)
"""
]
"""Pings until it is killed, and says so after each answer."""


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


def test_a_network_without_a_route_is_named_and_others_are_judged() -> None:
    hosts = (host("198.51.100.1"), host("127.0.0.9", "other"), host("2001:db8::1", "sixth"))
    seen = on_loopback(*hosts)

    assert loss(seen) == {"gateway": 100, "other": 0, "sixth": 100}
    found = {message for _, _, message in conditions(seen)}
    assert "gateway (198.51.100.1): cannot be asked: network is unreachable" in found


def test_hosts_that_block_the_send_buffer_keep_no_other_from_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests to hosts that do not answer ARP lie in the buffer until that gives up."""
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)  # the least that the kernel gives

    def main() -> list[Observation]:
        script = f"""
            ip link add ve0 type veth peer name ve1
            ip addr add {V4}.1/24 dev ve0
            ip link set ve0 up && ip link set ve1 up
            echo 20 >/proc/sys/net/ipv4/neigh/ve0/retrans_time_ms
        """
        subprocess.run(["sh", "-ec", script], check=True)
        dead = [host(f"{V4}.{number}", f"{number}") for number in range(2, 32)]
        return trio.run(
            partial(look, *dead, host("127.0.0.9", "other"), count=2, timeout=Duration(2))
        )

    seen = in_namespace(main)

    assert set(loss(seen).values()) == {0, 100}
    assert [name for name, lost in loss(seen).items() if lost == 0] == ["other"]


def test_a_host_of_which_nothing_is_known_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)
    hosts = [host(f"127.0.0.{number}", f"{number}") for number in range(2, 10)]

    with pytest.raises(CheckFailed, match="answers came faster than this host could take them in"):
        on_loopback(*hosts, timeout=Duration(0.2))


def test_a_thousand_hosts_are_asked_in_time_and_none_is_lost() -> None:
    hosts = [host(f"127.0.{1 + n // 250}.{1 + n % 250}", f"{n}") for n in range(1000)]
    seen = on_loopback(*hosts, count=2, interval=Duration(0.5))

    assert loss(seen) == {f"{n}": 0 for n in range(1000)}


def test_a_module_without_enough_time_says_what_it_needs() -> None:
    async def main() -> None:
        with trio.fail_after(5):
            await look(host("127.0.0.9"), count=10, interval=Duration(1), timeout=Duration(2))

    with pytest.raises(CheckFailed, match=r"may take 11 s, and the module has 4\.\d* s; give"):
        in_namespace(partial(trio.run, main))


def test_a_process_without_descriptors_has_failed() -> None:
    def main() -> list[Observation]:
        before_it = resource.getrlimit(resource.RLIMIT_NOFILE)

        async def run() -> list[Observation]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, before_it[1]))
            try:
                return await look(host("127.0.0.9"))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before_it)

        return trio.run(run)

    with pytest.raises(CheckFailed, match="cannot open an ICMP socket: Too many open files"):
        in_namespace(main)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"max_loss_percent": Limit.of(100.0)}, "100 is not from 0 to below 100"),
        ({"max_seconds": Limit.of(Duration(0))}, "is 0 or less"),
        ({"family": "ipv6"}, "192.0.2.9 is not an address of ipv6"),
        ({"name": " "}, "is empty"),
        ({"host": "a b"}, "is not a host"),
    ],
)
def test_a_host_that_cannot_be_meant_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PingedHost(**({"name": "gateway", "host": "192.0.2.9"} | settings))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"hosts": ()}, "is empty"),
        ({"hosts": (host(), host())}, "has gateway more than once"),
        ({"count": 0}, "0 is not from 1 to 1000"),
        ({"interval": Duration(0.001)}, "is less than 0.01 s"),
        ({"timeout": Duration(0)}, "is 0 or less"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Params(**({"hosts": (host(),)} | settings))
