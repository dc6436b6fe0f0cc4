"""The `connection` check against real listeners on loopback: up, refused, silent, brought back."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys

import pytest
import trio
from trio.testing import MockClock

from checks import connection
from checks.connection import Params, TcpServer
from supervisor.api import Condition, Measurement, Observation
from tests.checks.connection_bench import HOST, at, cause, closed_port, listener, look, up
from tests.support.addresses import black_hole
from tests.support.check_context import context


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
