"""Names, as the `connection` check resolves them, and what this host may lack to connect."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
import trio

from checks.connection import TcpServer
from supervisor.api import CheckFailed
from supervisor.host.threads import abandoned_threads
from tests.checks.connection_bench import HOST, at, cause, closed_port, listener, look, up
from tests.support.addresses import black_hole
from tests.support.hanging_call import Hanging, until_no_thread_hangs


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
