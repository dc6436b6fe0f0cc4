"""How two good plugins run beside bad ones: under the supervisor, then under Monit.

Both good plugins double-fork a worker that they need to the end. For each program, prints how far
their starts were off the timetable, how often their worker was killed, and how many processes were
left after SIGTERM. Then it prints the ratios: `scripts/bench bad_plugins`.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.beside_monit import beside_monit
from benchmarks.rig.process_tree import is_zombie
from benchmarks.rig.task import PLUGINS, ROOT
from supervisor.processes import descendants, procfs

GOOD = ("good-1", "good-2")
"""Names of the modules that run the good plugin."""

BAD = (
    "hangs",
    "ignores_sigterm",
    "lets_a_child_hold_stdout",
    "leaves_a_session",
    "kills_itself",
    "exits_42",
    "prints_a_megabyte",
    "daemonises",
    "forks_fifty_children",
    "closes_stdout_and_hangs",
    "never_stops_printing",
    "reads_stdin",
    "wipes_the_environment",
)
"""Bad plugins for both programs."""

FOREVER = "forks_in_a_loop"
"""A bad plugin for the supervisor alone: Monit would leave one more of them running each time."""

EVERY = 2
"""Seconds between two runs."""

TIMEOUT = 1
"""Seconds of a run, at most."""


@frozen
class Outcome:
    """How the good plugins ran, and what was left."""

    runs: int
    mean: float
    """Seconds off the timetable; `deviation` and `worst` are of the same."""
    deviation: float
    worst: float
    broken: int
    """Runs whose worker was killed."""
    left: int
    """Processes after the end."""

    def __str__(self) -> str:
        return (
            f"{self.runs} good runs, off by {self.mean * 1000:.0f} ms on average, "
            f"sd {self.deviation * 1000:.0f} ms, at worst {self.worst * 1000:.0f} ms; "
            f"{self.broken} ended before their worker was done; {self.left} processes left"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=30)
    seconds = options.parse_args().seconds
    descendants.become_subreaper()  # so orphans become our children and can be counted
    with tempfile.TemporaryDirectory() as name:
        ours, peer = Path(name) / "ours", Path(name) / "monit"
        beside_monit(
            lambda: measure(supervisor(ours), ours, seconds),
            lambda: measure(monit(peer), peer, seconds),
            figures=("mean", "deviation", "worst"),
        )
    print("aims: worst < 0.2 s, no worker lost, nothing left")


def supervisor(directory: Path) -> list[str]:
    """Write a service file; return the command that runs it."""
    directory.mkdir()
    modules = [
        f'[[modules]]\ncheck = "command"\nname = "{name}"\nevery = "{EVERY}s"\n'
        f'timeout = "{TIMEOUT}s"\n[modules.params]\nprotocol = "nagios"\n'
        f"argv = {[str(word) for word in argv]}\n"
        for name, argv in plugins(directory, (*BAD, FOREVER))
    ]
    (directory / "Bench.toml").write_text(
        "\n".join(['service = "BENCH"', *modules]), encoding="utf-8"
    )
    return [
        *(sys.executable, "-m", "supervisor", "--service", "Bench"),
        *("--config-dir", str(directory), "--state-dir", str(directory / "state")),
    ]


def monit(directory: Path) -> list[str]:
    """Write a control file; return the command that runs it."""
    directory.mkdir()
    checks = [
        f'check program {name} with path "{" ".join(map(str, argv))}" '
        f"with timeout {TIMEOUT} seconds\n  if status != 0 then alert"
        for name, argv in plugins(directory, BAD)
    ]
    files = ("pidfile", "statefile", "idfile", "log")
    settings = [f"set daemon {EVERY}", *(f"set {file} {directory}/{file}" for file in files)]
    control = directory / "monitrc"
    control.write_text("\n".join([*settings, *checks, ""]), encoding="utf-8")
    control.chmod(0o600)
    return ["monit", "-I", "-c", str(control)]


def plugins(directory: Path, bad: tuple[str, ...]) -> list[tuple[str, list[Path]]]:
    """Return names and commands. The good ones write down their starts and verdicts."""
    good = [(name, [PLUGINS / "good", directory, directory / name]) for name in GOOD]
    return [*good, *((name, [PLUGINS / name]) for name in bad)]


def measure(command: list[str], directory: Path, seconds: float) -> Outcome:
    """Run the command for some seconds; return how the good plugins ran."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    process.wait()
    left = sum(not is_zombie(pid) for pid in procfs.children(every_thread=True))
    descendants.end_all_descendants()
    starts = [
        [float(line) for line in (directory / name).read_text(encoding="utf-8").split()]
        for name in GOOD
    ]
    gaps = [  # the first run is before the timetable
        abs(later - earlier - EVERY)
        for timetable in starts
        for earlier, later in itertools.pairwise(timetable[1:])
    ]
    return Outcome(
        runs=sum(map(len, starts)),
        mean=statistics.mean(gaps),
        deviation=statistics.pstdev(gaps),
        worst=max(gaps),
        broken=len(list(directory.glob("result.*"))),
        left=left,
    )


if __name__ == "__main__":
    main()
