"""How long it takes to find the newest of 10,000 files, and what the loop feels of it.

In the same run it measures `find` with the same pattern, and Python's `glob`. It also does so while
another file of 100 GB is read for its SHA-256: `scripts/bench file_patterns [--quick]`.
"""

from __future__ import annotations

import argparse
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import trio
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.held_up import held_up, idle
from benchmarks.rig.stopwatch import milliseconds
from checks import file
from checks._files.watched.entry import WatchedFile
from checks._files.watched.pattern import find
from supervisor.api import Condition, Duration, Limit, Observation
from tests.support.check_context import context

FILES = 10_000
"""Files that fit the pattern."""

HUGE_BYTES = 100_000_000_000
"""Of the sparse file that is read for its SHA-256."""


def fill(directory: str) -> str:
    """Make the files, and return the pattern that they fit."""
    here = os.open(directory, os.O_RDONLY)
    for number in range(FILES):
        os.mknod(f"pnr-{number:05}.sql.gz", 0o600, dir_fd=here)
        os.utime(f"pnr-{number:05}.sql.gz", (number, number), dir_fd=here)
    os.close(here)
    with Path(directory, "huge").open("wb") as huge:
        huge.truncate(HUGE_BYTES)
    return f"{directory}/pnr-*.sql.gz"


def newest_by_find(pattern: str) -> Callable[[], object]:
    directory, name = os.path.split(pattern)
    argv = ["find", directory, "-maxdepth", "1", "-type", "f", "-name", name]
    argv += ["-printf", "%T@ %s %p\\n"]

    def look() -> str:
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        return max(done.stdout.splitlines(), key=lambda line: float(line.split()[0]))

    return look


def newest_by_glob(pattern: str) -> Callable[[], object]:
    return lambda: max(glob.glob(pattern), key=lambda path: os.stat(path).st_mtime)


def of_the_check(
    files: Iterable[WatchedFile], taken: list[float]
) -> Callable[[], Awaitable[list[Observation]]]:
    """Return a function that runs the check on some files and adds its milliseconds to `taken`."""
    params, host = file.Params(tuple(files)), evolve(context(), clock=time.time)

    async def one() -> list[Observation]:
        begun = time.perf_counter()
        observed = [*await file.run(host, params)]
        taken.append(1000 * (time.perf_counter() - begun))
        names = [item.alertname for item in observed if isinstance(item, Condition)]
        assert "File too old" in names, names
        return observed

    return one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer looks")
    times = 5 if parser.parse_args().quick else 30
    with tempfile.TemporaryDirectory(prefix="files-") as directory:
        pattern = fill(directory)
        backup = WatchedFile(newest=pattern, max_age=Limit.of(Duration(3600)))
        huge = WatchedFile(path=f"{directory}/huge", sha256="changed")
        runs: list[float] = []
        both: list[float] = []
        waits = trio.run(held_up, of_the_check([backup], runs), times)
        waits_both = trio.run(held_up, of_the_check([backup, huge], both), max(times // 5, 2))
        waits_idle = trio.run(held_up, idle, times)
        ours = milliseconds(lambda: find(pattern, "modification", time.time()), times)
        print(f"{FILES:,} files fit {os.path.basename(pattern)}; median of {times}")
        print(f"  one look             {ours:7.2f} ms")
        print(f"  a run of the check   {statistics.median(runs):7.2f} ms")
        print(f"  and 128 MiB hashed   {statistics.median(both):7.2f} ms")
        felt = (("by a run", waits), ("and hashing", waits_both), ("by nothing", waits_idle))
        for what, found in felt:
            median = statistics.median(found)
            print(f"  loop held up {what:12} {median:5.2f} ms   at most {max(found):.2f} ms")
        peers = {"find -printf": newest_by_find, "Python's glob": newest_by_glob}
        for name, peer in peers.items():
            theirs = milliseconds(peer(pattern), times)
            print(f"  {name:20} {theirs:7.2f} ms   ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
