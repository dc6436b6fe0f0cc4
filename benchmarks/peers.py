"""Compares this supervisor with the programs that a user might take instead.

`scripts/bench peers [--peers NAME…] [--checks KIND:N…] [--seconds S] [--legacy DIR] [--svg DIR]`.
All run the same checks, one program after another. Each looks at N ports of loopback every 10 s, in
process or by check_tcp. It is measured from outside: CPU and memory of its whole process tree, its
timetable by the listeners, the time from a closed port to the notification, and the processes that
are left after SIGTERM. A program that is not installed is named and skipped.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.chart import Bar, Bars, picture
from benchmarks.rig.contest import Sample, measure
from benchmarks.rig.rivals import FLOOR, RIVALS, Rival
from benchmarks.rig.task import EVERY, Checks
from supervisor.processes import descendants

DEFAULT = ("tcp:20", "tcp:500", "command:20", "command:200", "bad:7")
"""Sets of checks."""

CHECK_AIM = 0.3
"""Milliseconds of CPU for one TCP check, at most."""

FLOOR_AIM = 1.0
"""Milliseconds of CPU for one command above those of a bare spawn, at most."""

RATIO_AIMS = {("tcp:20", "nagios"): 0.25, ("tcp:20", "monit"): 2.5, ("tcp:500", "nagios"): 0.12}
"""How much of a rival's CPU a check should take, at most."""


def main() -> None:
    options = parsed()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends what it has started
    descendants.become_subreaper()  # so orphans become our children and can be counted
    for text in options.checks:
        checks = Checks.parse(text)
        print(f"\n{checks.title}\n{HEAD}", flush=True)
        samples = []
        for rival in entered(options.peers, checks, options.legacy):
            with tempfile.TemporaryDirectory(prefix="peers-") as name:
                directory = Path(name) / "contest"
                sample = measure(
                    rival, checks, directory, seconds=options.seconds, legacy=options.legacy
                )
            samples.append(sample)
            print(row(sample), flush=True)
        for line in comparison(checks, samples):
            print(line)
        if options.svg is not None and samples:
            options.svg.mkdir(parents=True, exist_ok=True)
            file = options.svg / f"peers-{checks.kind}-{checks.count}.svg"
            file.write_text(drawing(checks, samples), encoding="ascii")


def parsed() -> argparse.Namespace:
    names = [rival.name for rival in RIVALS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--checks", nargs="+", default=DEFAULT, metavar="KIND:N")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each window")
    parser.add_argument("--legacy", type=Path, metavar="DIR", help="the legacy agent's directory")
    parser.add_argument("--svg", type=Path, metavar="DIR", help="draw the charts there")
    options = parser.parse_args()
    for text in options.checks:
        try:
            Checks.parse(text)
        except ValueError as error:
            parser.error(str(error))
    return options


def entered(names: Sequence[str], checks: Checks, legacy: Path | None) -> Iterator[Rival]:
    """Yield the programs that take part; print which do not, and why."""
    if checks.kind == "command":
        yield FLOOR
    for rival in RIVALS:
        if rival.name not in names:
            continue
        missing = [program for program in rival.needs if shutil.which(program) is None]
        if missing:
            print(f"{rival.name:<12} skipped: {', '.join(missing)} is not installed")
        elif rival.name == "legacy" and legacy is None:
            print(f"{rival.name:<12} skipped: no --legacy DIR")
        elif rival.only_ports and checks.by_plugin:
            print(f"{rival.name:<12} skipped: it runs no plugins")
        elif checks.count > rival.max_checks:
            print(f"{rival.name:<12} skipped: {checks.count} checks are more than it can do")
        else:
            yield rival


NOTE = "The whole process tree, on loopback, one after another; shorter is better."
HEAD = (
    f"{'':<12} {'CPU s/min':>9} {'ms/check':>8} {'RSS MiB':>8} {'PSS MiB':>8}   "
    f"{'interval: mean; min-max s, sd ms':<36} {'burst':>5} {'fault to notification s':>24} "
    f"{'left':>4}"
)


def row(sample: Sample) -> str:
    times, memory = sample.timetable, sample.memory
    per_check = interval = burst = faults = "-"
    if times.checks:
        per_check, burst = f"{sample.per_check:.3f}", str(times.burst)
        interval = (
            f"{times.mean:.3f}; {times.least:.3f}-{times.most:.3f}, {1000 * times.deviation:.1f}"
        )
    if told := sample.faults:
        faults = f"{statistics.median(told):.1f} ({min(told):.1f}-{max(told):.1f})"
    if sample.missed:
        faults += f", {sample.missed} missed"
    return (
        f"{sample.name:<12} {sample.cpu:9.3f} {per_check:>8} {memory.resident:8.1f} "
        f"{memory.own:8.1f}   {interval:<36} {burst:>5} {faults:>24} {sample.left:4}"
    )


def comparison(checks: Checks, samples: Sequence[Sample]) -> Iterator[str]:
    """Yield the ratios to this supervisor, and its own figures with their aims."""
    found = {sample.name: sample for sample in samples}
    ours = found.pop("supervisor", None)
    if ours is None or checks.kind == "bad":
        return
    floor = found.pop(FLOOR.name, None)
    for peer in found.values():
        yield (
            f"{peer.name} / supervisor: CPU per check {peer.per_check / ours.per_check:.2f}, "
            f"RSS {peer.memory.resident / ours.memory.resident:.2f}"
        )
        if aim := RATIO_AIMS.get((f"{checks.kind}:{checks.count}", peer.name)):
            share = ours.per_check / peer.per_check
            yield f"supervisor / {peer.name}: CPU per check {share:.3f} (aim {aim})"
    if floor is not None:
        above = ours.per_check - floor.per_check
        yield f"above the bare spawn: {above:.2f} ms per check (aim {FLOOR_AIM})"
    else:
        yield f"CPU per check {ours.per_check:.3f} ms (aim {CHECK_AIM} at 500)"
    if ours.accepted:
        yield (
            "end of the run to accepted by Alertmanager: median "
            f"{1000 * statistics.median(ours.accepted):.1f} ms, "
            f"most {1000 * max(ours.accepted):.1f} ms (aim 15)"
        )


def drawing(checks: Checks, samples: Sequence[Sample]) -> str:
    """Return the chart of one set of checks."""

    def panel(title: str, value: Callable[[Sample], float]) -> Bars:
        bars = [Bar(sample.name, value(sample), sample.name == "supervisor") for sample in samples]
        return Bars(title, bars)

    memory = panel("memory: sum of RSS, MiB", lambda sample: sample.memory.resident)
    if checks.kind == "bad":
        left = panel("processes left after SIGTERM", lambda sample: sample.left)
        return picture(checks.title, NOTE, [left, memory])
    told = [sample for sample in samples if sample.faults]
    slowest = [Bar(s.name, max(s.faults), s.name == "supervisor") for s in told]
    panels = [
        panel("CPU of one check, ms", lambda sample: sample.per_check),
        memory,
        panel("interval: standard deviation, ms", lambda s: 1000 * s.timetable.deviation),
        panel("most starts in 100 ms", lambda sample: sample.timetable.burst),
        panel(
            f"interval: mean, off {EVERY} s by ms", lambda s: 1000 * abs(s.timetable.mean - EVERY)
        ),
        Bars("closed port to notification: slowest, s", slowest),
    ]
    return picture(checks.title, NOTE, panels)


if __name__ == "__main__":
    main()
