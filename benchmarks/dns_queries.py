"""What 200 DNS queries cost, beside those of the plugin check_dns, to one BIND on loopback.

`scripts/bench dns_queries [--quick]`. It needs root: check_dns asks port 53 alone, so it runs
in a network namespace of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio
from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from checks._dns.query import Query
from checks.dns import Params, run
from supervisor.api import Condition
from tests.support.check_context import context

QUERIES = 200
"""Queries of one run."""

PLUGIN = "/usr/lib/nagios/plugins/check_dns"
"""What a user would run instead."""

NAME, ADDRESS = "www.example.invalid", "127.0.0.9"
"""What is asked for, and the answer."""

CONF = """
options {{
    directory "{directory}"; pid-file none; session-keyfile none; recursion no;
    listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    forward only; forwarders {{ 127.0.0.1 port 9; }};
}};
controls {{ }};
zone "example.invalid" {{ type primary; file "zone"; }};
"""
"""Of named."""

ZONE = f"""
$TTL 60
@ SOA ns admin 1 60 60 60 60
@ NS ns
ns A 127.0.0.1
www A {ADDRESS}
"""
"""The zone that it has."""

IMPORT = """
import resource, sys, time, trio, httpx, supervisor.api, supervisor.modules.execution
def used(): return resource.getrusage(resource.RUSAGE_SELF)
before, began = used(), time.perf_counter()
import checks.dns
print(1000 * (time.perf_counter() - began), (used().ru_maxrss - before.ru_maxrss) / 1024)
"""
"""Prints the milliseconds and MiB of an import of the check, when all others are there."""


@frozen
class Cost:
    """What one query costs, in milliseconds."""

    cpu: float
    wall: float


@contextmanager
def named() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="dns-") as name:
        directory = Path(name)
        (directory / "zone").write_text(ZONE, encoding="ascii")
        (directory / "conf").write_text(CONF.format(directory=directory), encoding="ascii")
        argv = ["named", "-g", "-n", "1", "-c", str(directory / "conf")]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
            try:
                while process.poll() is None and not listens():
                    time.sleep(0.05)
                yield
            finally:
                process.terminate()


def listens() -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", 53)):
        return True
    return False


def with_the_check() -> None:
    queries = (
        Query(name=str(n), ask=NAME, servers=("127.0.0.1",), expect=(ADDRESS,))
        for n in range(QUERIES)
    )
    seen = trio.run(run, context(), Params(tuple(queries)))
    wrong = [item.message for item in seen if isinstance(item, Condition)]
    assert not wrong, wrong[0]


def with_the_plugin() -> None:
    argv = [PLUGIN, "-H", NAME, "-s", "127.0.0.1", "-a", ADDRESS]
    for _ in range(QUERIES):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def cost(work: Callable[[], None], times: int) -> Cost:
    """Return the median of some runs, for one query, children included."""
    found = []
    for _ in range(times):
        cpu, wall = cpu_seconds(), time.perf_counter()
        work()
        found.append((cpu_seconds() - cpu, time.perf_counter() - wall))
    cpus, walls = zip(*found, strict=True)
    share = 1000 / QUERIES
    return Cost(share * statistics.median(cpus), share * statistics.median(walls))


def cpu_seconds() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def import_cost() -> tuple[float, float]:
    """Return the median milliseconds and MiB of an import."""
    argv, found = [sys.executable, "-c", IMPORT], []
    for _ in range(5):
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        found.append(tuple(map(float, done.stdout.split())))
    milliseconds, mebibytes = zip(*found, strict=True)
    return statistics.median(milliseconds), statistics.median(mebibytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("it makes a network namespace; run it as root")
    if not options.inside:
        inside = [sys.executable, *sys.argv, "--inside"]
        raise SystemExit(subprocess.run(["unshare", "--net", *inside], check=False).returncode)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    times = 3 if options.quick else 9
    with named():
        with_the_check()  # imports what it needs
        ours, theirs = cost(with_the_check, times), cost(with_the_plugin, 1 if options.quick else 3)
    print(f"{QUERIES} queries to one BIND; median of {times} runs; milliseconds for each query")
    for name, each in (("dns, all at once", ours), ("check_dns, in turn", theirs)):
        print(f"  {name:20} CPU {each.cpu:6.3f}   from begin to end {each.wall:7.3f}")
    ratios = f"CPU {ours.cpu / theirs.cpu:.3f}, time {ours.wall / theirs.wall:.3f}"
    print(f"  ratio dns / check_dns: {ratios}")
    print("import of the check, once: {:.0f} ms, {:.1f} MiB".format(*import_cost()))


if __name__ == "__main__":
    main()
