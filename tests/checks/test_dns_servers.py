"""Several servers of the `dns` check, and those of the host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
import trio
from trio.testing import MockClock

from checks._dns import servers
from supervisor.api import Condition, Duration, Measurement
from tests.checks.dns_bench import MAIL, NAME, conditions, look, query
from tests.support.addresses import resolve_to
from tests.support.dns_server import DnsServer, Respond, says


async def test_each_server_is_judged_though_others_are_silent() -> None:
    async with (
        DnsServer(says(MAIL)).running() as right,
        DnsServer(lambda *_: []).running() as silent,
        DnsServer(says(rcode=dns.rcode.REFUSED)).running() as refusing,
    ):
        places = tuple(each.place for each in (right, silent, refusing))
        seen = await look(query(servers=places, timeout=Duration(0.3)), query(right, name="other"))

    (failed,) = conditions(seen)
    assert failed.message == (
        f"q ({NAME} MX): at {silent.place}: no answer within 0.3 s; "
        f"at {refusing.place}: it refuses to answer (REFUSED)"
    )
    measured = [item.labels for item in seen if isinstance(item, Measurement)]
    assert {"query": "other", "server": right.place} in measured


async def test_the_time_of_the_module_ends_all_queries(autojump_clock: MockClock) -> None:
    async with DnsServer(lambda *_: []).running() as server:
        with trio.fail_after(30):
            (failed,) = conditions(await look(query(server, timeout=Duration(60))))

    assert failed.message.endswith("no answer within 29 s")


async def test_servers_that_fail_alike_are_told_together() -> None:
    with closed_port() as first, closed_port() as second:
        (failed,) = await look(query(servers=(first, second)))

    assert isinstance(failed, Condition)
    assert failed.message.endswith(f"at {first}, {second}: it cannot be asked: connection refused")


@contextmanager
def closed_port() -> Iterator[str]:
    """Hold a port on which no process receives: what comes there has another peer."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


async def test_all_addresses_of_a_server_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with DnsServer(says(MAIL)).running() as server:
        resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        seen = await look(query(servers=(f"ns.invalid:{server.port}",)))

    assert conditions(seen) == []


async def test_servers_with_different_serial_numbers_are_told() -> None:
    def zone(number: int) -> Respond:
        return says(f"{NAME}. SOA ns. admin. {number} 1 1 1 1")

    async with (
        DnsServer(zone(7)).running() as first,
        DnsServer(zone(7)).running() as second,
    ):
        wanted, verdicts = query(type="SOA", servers=(first.place, second.place)), []
        for number in (7, 6, 7):
            second.respond = zone(number)
            verdicts.append([(i.alertname, i.message) for i in conditions(await look(wanted))])

    words = f"7 at {first.place}; 6 at {second.place}"
    message = f"q ({NAME} SOA): the servers have different serial numbers: {words}"
    assert verdicts == [[], [("DNS serials differ", message)], []]


async def test_without_servers_those_of_the_host_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.77.53\n", encoding="ascii")
    monkeypatch.setattr(servers, "RESOLV_CONF", path)

    (failed,) = await look(query())

    assert isinstance(failed, Condition)
    assert (
        failed.message == f"q ({NAME} MX): at 127.0.77.53: it cannot be asked: connection refused"
    )


async def test_servers_of_the_host_that_cannot_be_read_fail_only_their_queries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(servers, "RESOLV_CONF", tmp_path)
    async with DnsServer(says(MAIL)).running() as server:
        seen = await look(query(name="usual"), query(server))

    (failed,) = conditions(seen)
    assert failed.message.startswith(f"usual ({NAME} MX): cannot read ")
    assert len(seen) == 2
