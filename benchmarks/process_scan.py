"""How long it takes to look for the daemons of a host among its 500 processes, and to judge them.

The second look is a whole run of `daemon` with all limits: memory, processor, threads, open files,
number, user and uptime of eleven daemons. One of them has all other processes as its children.
In the same run it measures `ps`, and psutil if it is installed, with the same command lines and
figures: `scripts/bench process_scan [--quick]`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import trio
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.stopwatch import each
from checks import daemon
from checks._processes.scan import scan
from checks.daemon import Daemon, Params
from supervisor.api import Condition, Context, Duration, Limit, Measurement, Size
from tests.support.check_context import context

PROCESSES = 500
"""Processes that one daemon has started. The machine has more."""

AIM = 5.0
"""Milliseconds, at most, to find the daemons."""

AIM_JUDGED = 15.0
"""Milliseconds, at most, for a run that also judges all processes."""

PARENT = "exampleParent"
"""The name of the process that has started most of the others."""

START_CHILDREN = """
import subprocess, sys
count, *arguments = sys.argv[1:]
started = [
    subprocess.Popen([f"example_{n}", *arguments], executable="/bin/cat", stdin=subprocess.PIPE)
    for n in range(int(count))
]
print(flush=True)
sys.stdin.read()
"""

WANTED = (
    "com.arinc.amr.control.nix.Main",
    *(f"httConnector_{host}" for host in ("1E", "BX")),
    *(
        f"{name}{suffix}"
        for name in ("flightCollectingScheduler_v3_kor", "archiveManager_PnrTest")
        for suffix in ("", "_monitor")
    ),
    "sabreConnector_1S",
    "/usr/sbin/mysqld",
)
"""Names of daemons that the check looks for."""

ARGUMENTS = ("--configuration", "/etc/example/service.conf", "-Xmx512m", "worker", "/srv/example")
"""Of each process: a command line of usual length."""


@contextlib.contextmanager
def population(count: int) -> Iterator[None]:
    """Run the wanted daemons, and one more that has started so many processes."""
    arguments = ("--", "-", *ARGUMENTS)
    parent = [PARENT, "-c", START_CHILDREN, str(count), *arguments]
    others = [
        subprocess.Popen(
            argv,
            executable=program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for argv, program in (
            (parent, sys.executable),
            *(([name, *arguments], "/bin/cat") for name in WANTED),
        )
    ]
    assert others[0].stdout is not None
    others[0].stdout.readline()
    try:
        yield
    finally:
        for process in others:  # the children end with their standard input
            process.kill()
            process.communicate()


def limited(name: str, *, with_children: bool = False) -> Daemon:
    """Return a daemon with all limits, which it keeps."""
    return Daemon(
        name,
        count="1-3",
        user=str(os.getuid()),
        max_memory=Limit((("W", Size(4 << 30)), ("E", Size(8 << 30)))),
        max_cpu_percent=Limit.of(1000.0),
        max_threads=Limit.of(10_000),
        max_open_files=Limit.of(100_000),
        min_uptime=Limit.of(Duration(1)),
        with_children=with_children,
    )


async def judge(remembering: Context, daemons: Sequence[Daemon]) -> int:
    """Run the check; return how many threads the daemons have together."""
    seen = list(await daemon.run(remembering, Params((*daemons,))))
    assert not [item for item in seen if isinstance(item, Condition)]
    threads = [each for each in seen if isinstance(each, Measurement) and "threads" in each.name]
    return int(sum(each.value for each in threads))


async def times_of_runs(remembering: Context, daemons: Sequence[Daemon], times: int) -> list[float]:
    """Return the milliseconds of so many runs."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await judge(remembering, daemons)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def with_ps(columns: str) -> None:
    subprocess.run(["ps", "-eo", columns], check=True, stdout=subprocess.DEVNULL)


def with_psutil(*figures: str) -> Callable[[], object] | None:
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return None
    return lambda: [process.info for process in psutil.process_iter(["pid", "cmdline", *figures])]


def compare(
    what: str, ours: Sequence[float], aim: float, peers: Mapping[str, Callable[[], object] | None]
) -> None:
    """Print our times, and those of each peer. The least ones are those of a quiet machine."""
    median, least = statistics.median(ours), min(ours)
    print(f"  {what:18} {median:7.2f} ms, least {least:7.2f} ms   aim: at most {aim:g} ms")
    for name, look in peers.items():
        if look is None:
            print(f"    {name:16} is not installed")
            continue
        theirs = each(look, len(ours))
        ratios = f"{median / statistics.median(theirs):.2f}, least {least / min(theirs):.2f}"
        their_median = statistics.median(theirs)
        print(f"    {name:16} {their_median:7.2f} ms, least {min(theirs):7.2f} ms   ratio {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer looks")
    times = 10 if parser.parse_args().quick else 100
    daemons = [*map(limited, WANTED), limited(PARENT, with_children=True)]
    remembering = evolve(context(), state={})
    with population(PROCESSES):
        count = sum(name.isdecimal() for name in os.listdir("/proc"))
        found = sum(map(len, scan(WANTED).running.values()))
        print(f"{count} processes, {len(WANTED)} names, {found} of them run; median of {times}")
        compare(
            "find them",
            each(lambda: scan(WANTED), times),
            AIM,
            {"ps": lambda: with_ps("pid,args"), "psutil": with_psutil()},
        )
        judged = trio.run(judge, remembering, daemons)
        print(f"{judged} processes judged with all limits, those of {PARENT} as one family")
        compare(
            "judge them",
            trio.run(times_of_runs, remembering, daemons, times),
            AIM_JUDGED,
            {
                "ps": lambda: with_ps("pid,ppid,args,rss,nlwp,cputimes,etimes,euser"),
                "psutil": with_psutil(
                    "ppid", "memory_info", "num_threads", "num_fds", "cpu_times", "username"
                ),
            },
        )


if __name__ == "__main__":
    main()
