"""How long it takes to count the TCP sessions of a host that has 20,000, and what the loop feels.

In the same run it measures `ss`, and the tables of /proc, which the check reads where the host
refuses netlink: `scripts/bench sessions [--quick]`.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import trio

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.held_up import held_up, idle
from benchmarks.rig.stopwatch import milliseconds
from checks import session
from checks._kernel import tcp_sessions
from supervisor.api import Context, Limit, Measurement

SOCKETS = 20_000
"""Both ends of each session count."""

AIM = 60.0
"""Milliseconds, at most."""

HOSTS = ("127.0.1.1", "127.0.1.2", "127.0.2.1", "127.0.2.2", "::1")
"""Addresses of the sessions. Each has its own process, so that no one runs out of descriptors."""

EACH = SOCKETS // 2 // len(HOSTS)
"""Sessions of one address."""

SS = ["ss", "-tnH", "state", "established"]
"""The command to compare with."""


def hold(host: str) -> None:
    """Hold both ends of the sessions of this address until standard input ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        for _ in range(EACH):
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
            stack.enter_context(listener.accept()[0])
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def sessions() -> Iterator[list[int]]:
    """Hold `SOCKETS` established sockets; yield the ports that half of them are on."""
    argv = [sys.executable, __file__, "--hold"]
    holders = [
        subprocess.Popen([*argv, host], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for host in HOSTS
    ]
    try:
        yield [int(holder.stdout.readline()) for holder in holders if holder.stdout]
    finally:
        for holder in holders:
            holder.communicate()


def of_the_check(ports: list[int], taken: list[float]) -> Callable[[], Awaitable[None]]:
    """Return a function that runs the check on these ports and adds its milliseconds to `taken`."""
    watched_ports = (session.LocalPort(f"{port}", port, Limit.of(0), alert=False) for port in ports)
    params = session.Params(sessions=tuple(watched_ports))
    log = logging.LoggerAdapter(logging.getLogger("bench"))
    context = Context(
        service="BENCH",
        host="host",
        module="session",
        timezone=ZoneInfo("UTC"),
        log=log,
        clock=time.time,
    )

    async def one() -> None:
        begun = time.perf_counter()
        observed = [*await session.run(context, params)]
        taken.append(1000 * (time.perf_counter() - begun))
        counts = [item.value for item in observed if isinstance(item, Measurement)]
        assert counts[1:] == [EACH] * len(ports), counts

    return one


def with_ss() -> None:
    subprocess.run(SS, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer looks")
    parser.add_argument("--hold", metavar="HOST", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hold:
        hold(options.hold)
        return
    times = 10 if options.quick else 50
    runs: list[float] = []
    with sessions() as ports:
        total = tcp_sessions.count_sessions().total()
        waits = trio.run(held_up, of_the_check(ports, runs), times)
        idle_waits = trio.run(held_up, idle, times)
        ours = milliseconds(tcp_sessions.count_by_netlink, times)
        print(f"{total:,} established sockets on {len(HOSTS)} addresses; median of {times}")
        print(f"  one reading          {ours:7.2f} ms   aim: at most {AIM:g} ms")
        print(f"  a run of the check   {statistics.median(runs):7.2f} ms   aim: at most {AIM:g} ms")
        for what, found in (("by a run", waits), ("by nothing", idle_waits)):
            median = statistics.median(found)
            print(f"  loop held up {what:10} {median:5.2f} ms   at most {max(found):.2f} ms")
        peers = {"ss state established": with_ss, "/proc/net/tcp, tcp6": tcp_sessions.count_by_proc}
        for name, look in peers.items():
            theirs = milliseconds(look, times)
            print(f"  {name:20} {theirs:7.2f} ms   ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
