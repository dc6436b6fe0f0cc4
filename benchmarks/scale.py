"""What grows with the number of modules, commands and alerts, and how fast.

`scripts/bench scale [--quick] [--svg DIRECTORY]`: 100 to 10,000 TCP checks, 10 to 1,000 commands,
1 to 100,000 live alerts. Each number has a real supervisor of its own, on loopback. The CPU time is
that of the kernel's clocks. The lag is the supervisor's own metric, one sample for each module.
`growth` compares each row with the one before.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.growth import Row, plot, show
from benchmarks.rig.subject import Subject, listener, samples, taker
from benchmarks.rig.task import EVERY, PLUGIN

CALM = 20
"""Modules without alerts, which show how late modules run beside the alerts."""

GROUPS = 100
"""Modules that share the alerts, at most."""

RESEND = 20
"""Seconds after which an alert is sent again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few numbers and short windows")
    parser.add_argument("--only", choices=("native", "commands", "alerts"))
    parser.add_argument("--svg", type=Path, metavar="DIRECTORY", help="write scale.svg there")
    options = parser.parse_args()
    measured: dict[str, Sequence[Row]] = {}
    with listener() as port:
        if options.only in (None, "native"):
            measured["TCP checks"] = natives(port, quick=options.quick)
        if options.only in (None, "commands"):
            measured["commands"] = commands(port, quick=options.quick)
    if options.only in (None, "alerts"):
        measured["alerts"] = alerts(quick=options.quick)
    if options.svg:
        note = f"checks every {EVERY} s; alerts sent every {RESEND} s"
        (options.svg / "scale.svg").write_text(plot(measured, note), encoding="ascii")


def natives(port: int, *, quick: bool) -> Sequence[Row]:
    rows = [
        measure_modules(count, EVERY, 10 if quick else 20, native(port))
        for count in ((100, 1000) if quick else (100, 300, 1000, 3000, 10_000))
    ]
    show(f"native: N TCP checks every {EVERY} s", "CPU per check", rows)
    if not quick:
        row = measure_modules(10_000, 60, 60, native(port))
        show("native: 10,000 TCP checks every 60 s", "CPU per check", [row])
        print(f"aims: at most 5 % of a core (is {row.load:.1f}), lag p99 at most 10 ms")
    return rows


def commands(port: int, *, quick: bool) -> Sequence[Row]:
    argv, window = command(port), 10 if quick else 20
    rows = []
    for count in (10, 100) if quick else (10, 100, 1000):
        row = measure_modules(count, EVERY, window, plugin(argv))
        floor = bare(argv, EVERY / count, window / 2)
        rows.append(evolve(row, note=f"bare spawn and wait: {floor:.2f} ms"))
    show(f"commands: N of {argv[0]} every {EVERY} s", "CPU per check", rows)
    print("aim: at most 1.5 ms more than the bare spawn at the same pace")
    return rows


def alerts(*, quick: bool) -> Sequence[Row]:
    rows = [
        measure_alerts(count, 10 if quick else 20)
        for count in ((1, 1000) if quick else (1, 100, 10_000, 100_000))
    ]
    show(f"alerts: N live, sent every {RESEND} s", "CPU per alert and minute", rows)
    return rows


def measure_modules(count: int, every: float, window: float, module: Callable[[int], str]) -> Row:
    """Run `count` modules and measure them after their first runs, which follow no timetable."""
    text = 'service = "BENCH"\n' + "".join(
        f'[[modules]]\nevery = "{every}s"\n{module(number)}' for number in range(count)
    )
    with tempfile.TemporaryDirectory() as name:
        subject = Subject(Path(name))
        subject.start(text)
        try:
            time.sleep(min(every, 10) + 2)
            runs, before = sum(subject.metric("module_runs_total")), subject.cpu_seconds()
            begun = time.monotonic()
            time.sleep(window)
            used, passed = subject.cpu_seconds() - before, time.monotonic() - begun
            page = subject.scrape()  # only once: it delays the modules that are due then
            runs = sum(samples(page, "module_runs_total")) - runs
            lags = [1000 * lag for lag in samples(page, "module_schedule_lag_seconds")]
            return Row(
                count=count,
                cost=1000 * used / max(1, runs),
                load=100 * used / passed,
                lags=lags,
                memory=subject.memory(),
                ledger=subject.ledger_bytes,
                ready=subject.ready,
            )
        finally:
            subject.stop()


def measure_alerts(count: int, window: float) -> Row:
    """Let `count` conditions fire; measure while they are seen and sent again."""
    groups = min(count, GROUPS)
    with tempfile.TemporaryDirectory() as directory, taker() as url:
        text = (
            f'service = "BENCH"\nmax_ledger = "1GiB"\nresend_interval = "{RESEND}s"\n'
            f'[alertmanager]\nurls = ["{url}"]\n'
        )
        for number in range(groups):
            share = count // groups
            text += (
                f'[[modules]]\ncheck = "benchmarks.rig.talker"\nname = "talker{number}"\n'
                f'every = "{EVERY}s"\nparams = {{ conditions = {share} }}\n'
            )
        for number in range(CALM):
            text += (
                '[[modules]]\ncheck = "benchmarks.rig.talker"\n'
                + f'name = "calm{number}"\nevery = "1s"\n'
            )
        subject = Subject(Path(directory))
        subject.start(text)
        try:
            begun = time.monotonic()
            while sum(subject.metric("peer_sent_total")) < count:
                if time.monotonic() > begun + 120:
                    break
                time.sleep(0.5)
            filled = time.monotonic() - begun
            time.sleep(max(2, EVERY + 2 - filled))
            before, lags = subject.cpu_seconds(), list[float]()
            begun = time.monotonic()
            while time.monotonic() < begun + window:
                time.sleep(5)
                lags += calm_lags(subject.scrape())
            used, passed = subject.cpu_seconds() - before, time.monotonic() - begun
            return Row(
                count=count,
                cost=1000 * used / (count * passed / 60),
                load=100 * used / passed,
                lags=lags,
                memory=subject.memory(),
                ledger=subject.ledger_bytes,
                ready=subject.ready,
                note=f"all sent after {filled:.1f} s",
            )
        finally:
            subject.stop()


def native(port: int) -> Callable[[int], str]:
    """Return a function that writes the table of a module, which connects to a port."""
    server = f'{{ name = "S", host = "127.0.0.1", port = {port} }}'
    return lambda number: (
        f'check = "connection"\nname = "native{number}"\nparams = {{ servers = [{server}] }}\n'
    )


def plugin(argv: Sequence[str]) -> Callable[[int], str]:
    """Return a function that writes the table of a module, which runs a monitoring plugin."""
    quoted = ", ".join(f'"{argument}"' for argument in argv)
    return lambda number: (
        f'check = "command"\nname = "command{number}"\n'
        f'params = {{ protocol = "nagios", argv = [{quoted}] }}\n'
    )


def command(port: int) -> list[str]:
    if Path(PLUGIN).exists():
        return [PLUGIN, "-H", "127.0.0.1", "-p", str(port)]
    return [shutil.which("true") or "/bin/true"]


def bare(argv: list[str], pace: float, seconds: float) -> float:
    """Return the ms of CPU that it takes to spawn a program and to wait for its end, with its own.

    There are `pace` seconds after each. With a slower pace the CPU's caches no longer help.
    """
    runs = int(seconds / pace)
    before = cpu()
    with open(os.devnull, "r+b") as null:
        files = [(os.POSIX_SPAWN_DUP2, null.fileno(), number) for number in range(3)]
        for _ in range(runs):
            os.waitpid(os.posix_spawn(argv[0], argv, os.environ, file_actions=files), 0)
            time.sleep(pace)
    return 1000 * (cpu() - before) / runs


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def calm_lags(page: str) -> list[float]:
    """Return the lags of the calm modules in ms."""
    pattern = r'^supervisor_module_schedule_lag_seconds{module="calm\d+"} (\S+)'
    return [1000 * float(lag) for lag in re.findall(pattern, page, re.MULTILINE)]


if __name__ == "__main__":
    main()
