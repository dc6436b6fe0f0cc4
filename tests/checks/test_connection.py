"""The `connection` check against real listeners on loopback: up, refused, silent, brought back."""

from __future__ import annotations

import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
import trio
from trio.testing import MockClock

from checks import connection
from checks.connection import Params, TcpServer
from supervisor.api import CheckFailed, Condition, Duration, Measurement, Observation
from supervisor.host.threads import abandoned_threads
from tests.support.addresses import black_hole
from tests.support.check_context import context
from tests.support.hanging_call import Hanging, until_no_thread_hangs

HOST = "127.0.14.31"


async def look(*servers: TcpServer, within: float = 5) -> list[Observation]:
    return list(await connection.run(context(), Params(servers, Duration(within))))


async def cause(server: TcpServer, within: float = 5) -> str:
    """Return why the server cannot be reached."""
    (condition,) = await look(server, within=within)
    assert isinstance(condition, Condition)
    prefix = f"cannot connect to {server}: "
    assert condition.message.startswith(prefix)
    return condition.message.removeprefix(prefix)


async def up(*servers: TcpServer, within: float = 5) -> list[bool]:
    return [isinstance(seen, Measurement) for seen in await look(*servers, within=within)]


def at(sock: socket.socket, name: str = "USTD-DEV1", **settings: str) -> TcpServer:
    host, port = sock.getsockname()[:2]
    return TcpServer(**{"name": name, "host": host, "port": port, **settings})


@contextmanager
def listener(host: str = HOST, port: int = 0) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as sock:
        yield sock


@contextmanager
def closed_port(host: str = HOST) -> Iterator[socket.socket]:
    """Hold a port on which no process listens."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        yield sock


def resolve_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    def getaddrinfo(_host: str, port: int, type: int) -> list[Any]:  # noqa: A002  # its name
        families = [socket.AF_INET6 if ":" in host else socket.AF_INET for host in hosts]
        ends = [(h, port, 0, 0) if ":" in h else (h, port) for h in hosts]
        return [(f, type, 6, "", end) for f, end in zip(families, ends, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def resolve_not(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def getaddrinfo(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_server_that_listens_is_measured() -> None:
    with listener() as sock:
        (measurement,) = await look(at(sock))

    assert isinstance(measurement, Measurement)
    assert (measurement.name, measurement.unit) == ("connect_seconds", "s")
    assert measurement.labels == {"server": "USTD-DEV1"}
    assert 0 < measurement.value < 1


async def test_a_closed_port_is_a_condition_until_a_process_listens() -> None:
    with closed_port() as sock:
        port = sock.getsockname()[1]
        before = await look(at(sock))
        sock.listen()
        after = await up(at(sock))

    message = f"cannot connect to USTD-DEV1 ({HOST}:{port}): connection refused"
    assert before == [Condition("Connection failed", "E", "USTD-DEV1", message)]
    assert after == [True]


async def test_the_event_type_is_that_of_the_server() -> None:
    with closed_port() as sock:
        (condition,) = await look(at(sock, event_type="S"))

    assert isinstance(condition, Condition)
    assert condition.event_type == "S"


def test_silent_servers_are_given_up_together_when_their_time_is_over() -> None:
    async def main() -> tuple[list[Observation], float]:
        begun = trio.current_time()
        servers = [at(hole, name) for hole, name in zip(holes, ("A", "B", "C"), strict=True)]
        params = Params(tuple(servers))  # the default: well within a module's own 30 s
        return list(await connection.run(context(), params)), trio.current_time() - begun

    with black_hole(HOST) as one, black_hole(HOST) as two, black_hole(HOST) as three:
        holes = (one, two, three)
        observed, seconds = trio.run(main, clock=MockClock(autojump_threshold=0))
        port = one.getsockname()[1]

    assert seconds == 5
    assert [seen.instance for seen in observed if isinstance(seen, Condition)] == ["A", "B", "C"]
    assert isinstance(observed[0], Condition)
    expected = f"cannot connect to A ({HOST}:{port}): no answer within 5 s"
    assert expected == observed[0].message


async def test_a_silent_server_does_not_hide_others() -> None:
    with black_hole(HOST) as hole, listener() as good, closed_port() as bad:
        servers = [at(hole, "silent"), at(good, "good"), at(bad, "bad")]

        assert await up(*servers, within=1) == [False, True, False]


async def test_numeric_ipv6_is_taken_in_any_spelling() -> None:
    with listener("::1") as sock:
        port = sock.getsockname()[1]

        assert await up(TcpServer("six", "::1", port)) == [True]
        assert await up(TcpServer("six", "0:0:0:0:0:0:0:1", port)) == [True]
    assert await cause(TcpServer("six", "::1", port)) == "connection refused"
    assert str(TcpServer("six", "::1", 80)) == "six ([::1]:80)"


async def test_a_numeric_host_is_never_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_not(monkeypatch, AssertionError("resolved"))
    with listener() as sock:
        assert await up(at(sock)) == [True]


async def test_a_name_is_resolved_by_the_real_resolver() -> None:
    with listener("127.0.0.1") as sock:
        assert await up(at(sock, host="localhost")) == [True]


async def test_a_name_that_does_not_resolve_is_a_condition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    resolve_not(monkeypatch, error)
    server = TcpServer("db", "db.example.invalid", 3306)

    assert await cause(server) == "cannot resolve the name: Name or service not known"


@pytest.mark.parametrize("host", ["a..example.invalid", "x" * 64 + ".example.invalid"])
async def test_an_impossible_name_is_a_condition(host: str) -> None:
    assert (
        await cause(TcpServer("db", host, 3306)) == "cannot resolve the name: it is not a host name"
    )


async def test_one_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as sock:
        resolve_to(monkeypatch, "::1", "127.0.14.30", HOST)

        assert await up(at(sock, host="db.example.invalid")) == [True]


async def test_a_silent_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as sock, black_hole("127.0.14.30", sock.getsockname()[1]):
        resolve_to(monkeypatch, "127.0.14.30", HOST)

        assert await up(at(sock, host="db.example.invalid"), within=2) == [True]


async def test_the_order_of_the_addresses_does_not_change_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closed_port() as sock, black_hole("127.0.14.30", sock.getsockname()[1]):
        server = at(sock, host="db.example.invalid")
        causes = []
        for addresses in (("127.0.14.30", HOST), (HOST, "127.0.14.30")):
            resolve_to(monkeypatch, *addresses)
            causes.append(await cause(server, within=1))

    assert causes == ["connection refused, no answer"] * 2


async def test_a_resolver_that_hangs_is_given_up_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Hanging([])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    server = TcpServer("db", "db.example.invalid", 3306)
    causes = [await cause(server, within=0.5) for _ in range(2)]
    counted = resolver.calls, abandoned_threads()
    resolver.released.set()
    await until_no_thread_hangs()

    assert causes == ["cannot resolve the name: no answer within 0.5 s"] * 2
    assert counted == (1, 1)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("count", [1, 3])
async def test_without_descriptors_the_check_fails_and_blames_no_server(count: int) -> None:
    with listener() as sock:
        servers = [at(sock, f"{number}") for number in range(count)]
        with no_descriptor_left(), pytest.raises(CheckFailed, match="Too many open files"):
            await look(*servers)


async def test_without_ports_of_its_own_the_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted(socket.socket):
        def connect_ex(self, _: object) -> int:
            return 99  # EADDRNOTAVAIL

    monkeypatch.setattr(socket, "socket", Exhausted)
    with pytest.raises(CheckFailed, match="Cannot assign requested address"):
        await look(TcpServer("USTD-DEV1", HOST, 1))


async def test_no_descriptor_is_leaked() -> None:
    with listener() as good, closed_port() as bad, black_hole(HOST) as hole:
        await look(at(good))
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            await look(at(good, "1"), at(bad, "2"), at(hole, "3"), within=0.02)
        with trio.move_on_after(0.02):
            await look(at(hole))
        after = len(os.listdir("/proc/self/fd"))

    assert before == after


async def test_a_server_that_resets_at_once_has_been_reached() -> None:
    def reset_all(sock: socket.socket) -> None:
        for _ in range(300):
            accepted, _ = sock.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.close()

    with listener() as sock, trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, reset_all, sock)
            for _ in range(300):
                assert await up(at(sock)) == [True]


SELF_CONNECT = """
import pathlib, subprocess, trio
from checks.connection import Params, TcpServer, run
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40003")
for host in ("127.0.0.1", "0:0:0:0:0:0:0:1"):
    for port in range(40000, 40004):
        (seen,) = trio.run(run, None, Params((TcpServer("self", host, port),)))
        print(type(seen).__name__)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_port_that_connects_to_itself_is_not_a_server() -> None:
    if os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        pytest.skip("the ports of a network namespace cannot be set: /proc/sys is read-only here")
    argv = ["unshare", "--net", sys.executable, "-c", SELF_CONNECT]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["Condition"] * 8


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=rf"^{port} is not a port; write a number from 1 to 65535"):
        TcpServer("USTD-DEV1", HOST, port)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"name": " "}, "write what the server is called"),
        ({"event_type": ""}, "write for example 'E'"),
    ],
)
def test_an_empty_text_is_refused(given: dict[str, str], remedy: str) -> None:
    with pytest.raises(ValueError, match=rf"^is empty; {remedy}"):
        TcpServer(**{"name": "USTD-DEV1", "host": HOST, "port": 1, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["", "a b", "127.0.14.31\0x", "a\n"])
def test_an_impossible_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host; write an IP address or a name$"):
        TcpServer("USTD-DEV1", host, 1)


def test_a_name_given_twice_or_no_time_is_refused() -> None:
    server = TcpServer("USTD-DEV1", HOST, 1)
    with pytest.raises(ValueError, match=r"^has USTD-DEV1 more than once; "):
        Params((server, TcpServer("USTD-DEV1", HOST, 2)))
    with pytest.raises(ValueError, match=r"^is 0 or less; "):
        Params((server,), Duration(0))
