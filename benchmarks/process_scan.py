"""How long it takes to look for the daemons of a host among its processes, about 500 of them.

In the same run it measures `ps`, and psutil if it is installed, with the same command lines:
`scripts/bench process_scan [--quick]`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.stopwatch import milliseconds
from checks._processes.scan import scan

PROCESSES = 500
"""Processes of the machine, at least."""

AIM = 5.0
"""Milliseconds, at most."""

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
    """Run so many processes that the machine has at least `count`."""
    missing = max(0, count - sum(name.isdecimal() for name in os.listdir("/proc")))
    names = [WANTED[n] if n < len(WANTED) else f"example_{n}" for n in range(missing)]
    others = [
        subprocess.Popen(
            [name, "--", "-", *ARGUMENTS],
            executable="/bin/cat",
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.communicate()


def with_ps() -> None:
    subprocess.run(["ps", "-eo", "pid,args"], check=True, stdout=subprocess.DEVNULL)


def with_psutil() -> Callable[[], object] | None:
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return None
    return lambda: [process.info for process in psutil.process_iter(["pid", "cmdline"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer looks")
    times = 10 if parser.parse_args().quick else 100
    with population(PROCESSES):
        count = sum(name.isdecimal() for name in os.listdir("/proc"))
        found = sum(map(len, scan(WANTED).running.values()))
        ours = milliseconds(lambda: scan(WANTED), times)
        peers = {"ps -eo pid,args": with_ps, "psutil": with_psutil()}
        print(f"{count} processes, {len(WANTED)} names, {found} of them run; median of {times}")
        print(f"  one look         {ours:7.2f} ms   aim: at most {AIM:g} ms")
        for name, look in peers.items():
            if look is None:
                print(f"  {name:15}  is not installed")
                continue
            theirs = milliseconds(look, times)
            print(f"  {name:15}  {theirs:7.2f} ms   ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
