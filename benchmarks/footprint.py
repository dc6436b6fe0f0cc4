"""What it costs to start, keep and stop a supervisor with 13 modules, compared with Monit.

Prints the medians of three figures: the time from exec to READY=1, the resident memory, and the
time from SIGTERM to exit. It prints their ratios to Monit with 13 checks, measured in the same run:
`scripts/bench footprint`. Compile the bytecode first, as `scripts/bench` does. Without it a start
takes 0.5 s longer.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.beside_monit import beside_monit
from benchmarks.rig.process_tree import memory
from benchmarks.rig.subject import Subject

MODULES = 13
"""Modules of the supervisor, and checks of Monit."""

WARM_UP = 12.0
"""Seconds until every module has run at least once."""

FILE_SYSTEMS = 'filesystems = [{ filesystem = "/", max_use_percent = 99 }]'
PARAMS = {
    "disk": FILE_SYSTEMS,
    "inode": FILE_SYSTEMS,
    "connection": 'servers = [{ name = "S", host = "127.0.0.1", port = 9 }]',
    "command": 'protocol = "text"\nargv = ["true"]',
}
"""Parameters of each check."""


@frozen
class Sample:
    """What one start cost."""

    ready: float
    """Seconds from exec to READY=1."""
    memory: float
    """MiB resident."""
    exit: float
    """Seconds from SIGTERM to exit."""

    def __str__(self) -> str:
        return f"ready {self.ready:.3f} s   memory {self.memory:.1f} MiB   exit {self.exit:.3f} s"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        beside_monit(
            lambda: measure(lambda last: supervisor(Path(name), settle=last), runs),
            lambda: measure(lambda last: monit(Path(name), settle=last), runs),
            figures=("ready", "memory", "exit"),
        )
    print("aims: ready < 0.5 s, memory < 45 MB, exit < 0.3 s")


def measure(start: Callable[[bool], Sample], runs: int) -> Sample:
    """Return medians. The memory is that of the last run, which has time to settle."""
    samples = [start(number == runs - 1) for number in range(runs)]
    return Sample(
        statistics.median(sample.ready for sample in samples),
        samples[-1].memory,
        statistics.median(sample.exit for sample in samples),
    )


def supervisor(directory: Path, *, settle: bool) -> Sample:
    config = ['service = "BENCH"']
    for number in range(MODULES):
        # The mix of the legacy host: mostly checks in process, some commands.
        check = ("disk", "inode", "connection", "command")[number % 4]
        config.append(f'[[modules]]\ncheck = "{check}"\nname = "m{number}"\nevery = "60s"')
        config.append(f"[modules.params]\n{PARAMS[check]}")
    subject = Subject(directory)
    subject.start("\n".join(config), listen=False)
    return wind_up(subject.process, subject.ready, settle=settle)


def monit(directory: Path, *, settle: bool) -> Sample:
    control = directory / "monitrc"
    checks = "\n".join(
        f"check filesystem m{number} with path /\n  if space usage > 99% then alert"
        for number in range(MODULES)
    )
    control.write_text(
        f"set daemon 60\nset pidfile {directory}/pid\nset statefile {directory}/monit-state\n"
        f"set idfile {directory}/id\nset log {directory}/monit.log\n{checks}\n",
        encoding="utf-8",
    )
    control.chmod(0o600)
    log = directory / "monit.log"
    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    process = subprocess.Popen(["monit", "-I", "-c", str(control)], stdout=subprocess.DEVNULL)
    while not (log.exists() and "started" in log.read_text(encoding="utf-8")):
        time.sleep(0.001)
    return wind_up(process, time.perf_counter() - begun, settle=settle)


def wind_up(process: subprocess.Popen[bytes], ready: float, *, settle: bool) -> Sample:
    """End a process that is ready; let it settle before if asked to."""
    time.sleep(WARM_UP if settle else 0.5)
    resident = memory(process.pid).resident
    begun = time.perf_counter()
    process.terminate()
    process.wait()
    return Sample(ready, resident, time.perf_counter() - begun)


if __name__ == "__main__":
    main()
