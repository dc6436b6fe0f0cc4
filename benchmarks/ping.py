"""What it costs to ping 1,000 hosts, five times each, beside `fping` and `check_ping`.

All ping addresses of loopback, one after another, in a network namespace of this benchmark. CPU of
children counts, and so does what the kernel needs to answer. It needs root:
`scripts/bench ping [--quick]`.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import trio
from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from checks import ping
from checks.ping import Params, PingedHost
from supervisor.api import Context, Measurement

COUNT = 5
"""Requests to each host."""

AIM = 0.15
"""Milliseconds of CPU for each host, at most."""

PLUGIN = Path("/usr/lib/nagios/plugins/check_ping")

CLONE_NEWNET = 0x40000000
"""The flag of unshare(2)."""


@frozen
class Sample:
    """What a program took for one round of all hosts."""

    name: str
    hosts: int
    seconds: float
    cpu: float
    answered: int

    @property
    def per_host(self) -> float:
        """Milliseconds of CPU."""
        return 1000 * self.cpu / self.hosts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer hosts")
    count = 200 if parser.parse_args().quick else 1000
    if os.geteuid():
        sys.exit("a network namespace needs root")
    enter_a_namespace()
    hosts = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count)]
    ours = measure("ping", hosts, with_the_check)
    print(f"{count} hosts of loopback, {COUNT} requests to each")
    print(f"{'':<11} {'hosts':>5} {'answered':>8} {'s':>6} {'CPU ms per host':>16} {'ratio':>6}")
    print(f"{row(ours)} {'1':>6}   aim: at most {AIM:g} ms in 5 s")
    if shutil.which("fping") is None:
        print("fping        is not installed")
    else:
        compare(measure("fping", hosts, with_fping), ours)
    if not PLUGIN.exists():
        print("check_ping   is not installed")
    else:
        compare(measure("check_ping", hosts[: count // 10], with_plugins), ours)


def enter_a_namespace() -> None:
    """Leave the host's network, and let root's group ping."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    group = os.getegid()
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(f"{group} {group}", encoding="utf-8")


def measure(name: str, hosts: Sequence[str], pinged: Callable[[Sequence[str]], int]) -> Sample:
    """Let a program ping the hosts. `pinged` returns how many of them answered each request."""
    began, cpu = time.monotonic(), cpu_seconds()
    answered = pinged(hosts)
    return Sample(name, len(hosts), time.monotonic() - began, cpu_seconds() - cpu, answered)


def cpu_seconds() -> float:
    """Return what this process and its children that have ended have used."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def with_the_check(hosts: Sequence[str]) -> int:
    params = Params(tuple(PingedHost(host, host) for host in hosts), count=COUNT)
    log = logging.LoggerAdapter(logging.getLogger("benchmark"))
    context = Context("BENCH", "host", "ping", ZoneInfo("UTC"), log, clock=time.time)
    seen = [item for item in trio.run(ping.run, context, params) if isinstance(item, Measurement)]
    return sum(item.name == "ping_loss_percent" and item.value == 0 for item in seen)


def with_fping(hosts: Sequence[str]) -> int:
    argv = ["fping", "-q", "-c", str(COUNT), "-p", "1000", "-i", "0", *hosts]
    done = subprocess.run(argv, check=False, stderr=subprocess.PIPE, text=True)
    return done.stderr.count(f"= {COUNT}/{COUNT}/0%")


def with_plugins(hosts: Sequence[str]) -> int:
    """Run all of them at the same time, as a monitoring system does."""
    limits = ("-w", "100,20%", "-c", "500,60%", "-p", str(COUNT))
    running = [
        subprocess.Popen([PLUGIN, "-H", host, *limits], stdout=subprocess.PIPE, text=True)
        for host in hosts
    ]
    return sum("loss = 0%" in process.communicate()[0] for process in running)


def compare(theirs: Sample, ours: Sample) -> None:
    print(f"{row(theirs)} {ours.per_host / theirs.per_host:6.3f}")


def row(sample: Sample) -> str:
    return (
        f"{sample.name:<11} {sample.hosts:5} {sample.answered:8} {sample.seconds:6.2f} "
        f"{sample.per_host:16.3f}"
    )


if __name__ == "__main__":
    main()
