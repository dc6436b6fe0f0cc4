"""Hours of operation in minutes: does anything grow that should not?

`scripts/bench soak [--minutes 20] [--svg DIRECTORY]`: checks in process, good commands and bad
plugins, conditions that flap, reports, one Alertmanager that stays and one that comes and goes,
a reload every few seconds. Each interval is about a twentieth of a usual one. Memory, open files,
threads and processes are sampled. After a warm-up of half the time, their trends must be flat.
Exits with 1 when one is not flat, when the supervisor does not stop cleanly, or when a process of
a command is left.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import define, field, frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.chart import Line, Lines, picture
from benchmarks.rig.process_tree import is_zombie, processes
from benchmarks.rig.subject import Subject, listener, taker
from benchmarks.rig.task import ROOT
from supervisor.processes.descendants import become_subreaper, is_command
from supervisor.processes.procfs import children
from tests.support.ports import free_port

BAD_PLUGINS = (
    "closes_stdout_and_hangs",
    "daemonises",
    "exits_42",
    "forks_fifty_children",
    "hangs",
    "ignores_sigterm",
    "leaves_a_session",
    "lets_a_child_hold_stdout",
    "wipes_the_environment",
)
"""The bad plugins."""

RELOAD_INTERVAL = 7.0
"""Seconds between two reloads."""

AWAY = 6.0
"""Seconds for which the second Alertmanager is gone."""

HERE = 14.0
"""Seconds for which the second Alertmanager runs."""

ATTEMPTS = 40
"""Looks for processes that are left, at most; 50 ms after each other."""


@frozen
class Sample:
    """What the process held at one moment."""

    at: float
    """Seconds since the start."""
    memory: float
    """MiB."""
    files: float
    threads: float
    processes: float


@frozen
class Bound:
    """By how much a quantity may grow along its trend in the window, at most."""

    name: str
    """A field of `Sample`."""
    unit: str
    share: float
    """Of its median."""
    least: float
    """What is allowed in any case."""

    def growth(self, samples: Sequence[Sample]) -> float:
        """Return how much the trend line rises from the first sample to the last."""
        times = [sample.at for sample in samples]
        values = [getattr(sample, self.name) for sample in samples]
        slope = statistics.linear_regression(times, values).slope
        return float(slope * (times[-1] - times[0]))

    def allowed(self, samples: Sequence[Sample]) -> float:
        """Return the growth that is allowed."""
        usual: float = statistics.median(getattr(sample, self.name) for sample in samples)
        return max(self.least, self.share * usual)


BOUNDS = (
    Bound("memory", "MiB", 0.03, 1.5),
    Bound("files", "", 0.0, 8.0),
    Bound("threads", "", 0.0, 3.0),
    Bound("processes", "", 0.0, 30.0),
)
"""Files, threads and processes come and go with runs: a smaller trend than these is chance."""

WARM_UP = 960.0
"""Seconds before memory is judged: alerts that ended are kept and sent for 15 minutes."""


@define
class Guest:
    """An Alertmanager that comes and goes, always at the same address."""

    port: int = field(factory=free_port)
    _visit: contextlib.ExitStack = field(factory=contextlib.ExitStack)
    _here: bool = False
    _until: float = 0.0

    def pass_by(self) -> None:
        """Come or go if it is time."""
        if time.monotonic() >= self._until:
            self._visit.close()
            self._here = not self._here
            if self._here:
                self._visit.enter_context(taker(self.port))
            self._until = time.monotonic() + (HERE if self._here else AWAY)

    def leave(self) -> None:
        self._visit.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, metavar="N")
    parser.add_argument("--svg", type=Path, metavar="DIRECTORY", help="write soak.svg there")
    options = parser.parse_args()
    become_subreaper()
    with tempfile.TemporaryDirectory() as name, listener() as port, taker() as url:
        guest, subject = Guest(), Subject(Path(name))
        urls = [url, f"http://127.0.0.1:{guest.port}"]
        subject.start(service_file(port, urls, 0))
        try:
            samples = list(
                watch(subject, guest, port=port, urls=urls, seconds=60 * options.minutes)
            )
            runs = subject.metric("module_runs_total")
            reports = subject.metric("peer_sent_total")
        finally:
            code = subject.stop()
            guest.leave()
    print(f"{sum(runs):.0f} runs, {sum(reports):.0f} alerts accepted")
    wrong = verdicts(samples)
    if code:
        wrong.append(f"ended with {code}")
    if left := remaining():
        wrong.append(f"left {left} processes of commands")
    if not all(reports):
        wrong.append("an Alertmanager got nothing")
    if options.svg:
        (options.svg / "soak.svg").write_text(plot(samples), encoding="ascii")
    sys.exit("; ".join(wrong) or 0)


def watch(
    subject: Subject, guest: Guest, *, port: int, urls: Sequence[str], seconds: float
) -> Iterator[Sample]:
    """Reload and let the guest come and go; yield samples."""
    begun = time.monotonic()
    reloads, due = 0, begun + RELOAD_INTERVAL
    while (now := time.monotonic()) < begun + seconds:
        guest.pass_by()
        if now >= due:
            reloads, due = reloads + 1, now + RELOAD_INTERVAL
            subject.reload(service_file(port, urls, reloads % 2))
        time.sleep(0.5)
        if reloads % 5 == 4:
            subject.scrape()
        if subject.process.poll() is not None:
            sys.exit(f"the supervisor has ended:\n{subject.log}")
        yield Sample(
            at=time.monotonic() - begun,
            memory=subject.memory() / 2**20,
            files=subject.descriptors(),
            threads=subject.threads(),
            processes=len(list(processes(subject.process.pid))) - 1,
        )


def service_file(port: int, urls: Sequence[str], variant: int) -> str:
    """Return a service file with modules of each kind. The two variants differ in some modules."""
    peers = ", ".join(f'"{url}"' for url in urls)
    top = (
        'service = "BENCH"\nresend_interval = "3s"\nreport_lifetime = "8s"\n'
        f'[alertmanager]\nmin_visible = "2s"\ntimeout = "1s"\nurls = [{peers}]\n'
    )
    server = f'{{ name = "S", host = "127.0.0.1", port = {port} }}'
    closed = f'{{ name = "closed", host = "127.0.0.1", port = {free_port()} }}'
    root = 'filesystems = [{ filesystem = "/", max_use_percent = 99 }]'
    modules = [
        module("up", "connection", 0.4, f"servers = [{server}]"),
        module("down", "connection", 0.6, f"servers = [{server}, {closed}]"),
        module("disk", "disk", 2, root),
        module("inode", "inode", 2, root),
        module("flaps", "benchmarks.rig.talker", 0.4, "conditions = 20, flapping = true"),
        module("reports", "benchmarks.rig.talker", 1, "reports = 2"),
        module("plugin", "command", 1, 'protocol = "text", argv = ["true"]'),
        module(f"variant{variant}", "benchmarks.rig.talker", 1, f"conditions = {5 + variant}"),
        module("varies", "benchmarks.rig.talker", 1 + variant, "conditions = 5, flapping = true"),
    ]
    for number, name in enumerate(BAD_PLUGINS):
        path = ROOT / "tests" / "plugins" / name
        argv = f'protocol = "nagios", argv = ["{path}"]'
        modules.append(module(name, "command", 3 + 0.2 * number, argv, more='timeout = "1s"\n'))
    return top + "".join(modules)


def module(name: str, check: str, every: float, params: str, more: str = "") -> str:
    return (
        f'[[modules]]\nname = "{name}"\ncheck = "{check}"\nevery = {every:.1f}\n{more}'
        f"params = {{ {params} }}\n"
    )


def verdicts(samples: Sequence[Sample]) -> list[str]:
    """Print the growth of each quantity after the warm-up; return which grew too much."""
    half = samples[len(samples) // 2 :]
    settled = [sample for sample in samples if sample.at > WARM_UP]
    print(f"{'':<10} {'start':>8} {'median':>8} {'most':>8} {'growth':>8} {'allowed':>8}")
    wrong = []
    for bound in BOUNDS:
        is_judged = bound.name != "memory" or len(settled) > 1
        window = settled if bound.name == "memory" and is_judged else half
        values = [getattr(sample, bound.name) for sample in window]
        growth, allowed = bound.growth(window), bound.allowed(window)
        print(
            f"{bound.name:<10} {values[0]:8.1f} {statistics.median(values):8.1f} "
            f"{max(values):8.1f} {growth:8.2f} {allowed:8.2f} {bound.unit}"
            + f" (judged after {WARM_UP / 60:.0f} minutes)"
            * (not is_judged)
        )
        if growth > allowed and is_judged:
            seconds = window[-1].at - window[0].at
            wrong.append(f"{bound.name} grows by {growth:.1f} in {seconds:.0f} s")
    return wrong


def remaining() -> int:
    """Return how many processes of commands are left. Orphans have become our children."""
    for _ in range(ATTEMPTS):
        left = [pid for pid in children() if is_command(pid) and not is_zombie(pid)]
        if not left:
            return 0
        time.sleep(0.05)
    return len(left)


def plot(samples: Sequence[Sample]) -> str:
    """Return the SVG of everything over time."""
    panels = [
        Lines(
            f"{bound.name}{', ' * bool(bound.unit)}{bound.unit}",
            [Line("", [(sample.at / 60, getattr(sample, bound.name)) for sample in samples])],
            "minutes",
        )
        for bound in BOUNDS
    ]
    return picture("A soak", "short intervals, bad plugins, reloads, peers that go", panels)


if __name__ == "__main__":
    main()
