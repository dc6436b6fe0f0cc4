"""Measures one rival with one set of checks: start, warm up, measure, break ports, end.

`peers` calls it. Each process that is started is ended by its PID when the measurement ends. What
a rival leaves behind becomes our child, is counted, and is ended, too.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import evolve, frozen

from benchmarks.rig import process_tree
from benchmarks.rig.arrivals import Listeners, Timetable, timetable
from benchmarks.rig.process_tree import Memory
from benchmarks.rig.rivals import Rival, supervisor_options
from benchmarks.rig.sink import Sink
from benchmarks.rig.task import ROOT, Checks, Task
from supervisor.processes import descendants, procfs

WARM_UP = 22.0
"""Seconds before the measurement."""

FAULTS = 6
"""Ports that are closed."""

FAULT_INTERVAL = 1.7
"""Seconds between two faults: six of them meet an interval of ten seconds at six places."""

NOTIFICATION_TIMEOUT = 30.0
"""Seconds for the last notification, at most."""

STOP_TIMEOUT = 15.0
"""Seconds from SIGTERM to SIGKILL."""


@frozen
class Sample:
    """What one rival did."""

    name: str
    cpu: float
    """CPU seconds in a minute."""
    per_check: float
    """Milliseconds of CPU for one check."""
    timetable: Timetable
    memory: Memory
    faults: tuple[float, ...] = ()
    """Seconds from closing a port to the notification."""
    accepted: tuple[float, ...] = ()
    """Seconds from the end of the run that saw a fault to the answer of the Alertmanager."""
    missed: int = 0
    """Faults without a notification."""
    left: int = 0
    """Processes after the end."""


def measure(
    rival: Rival, checks: Checks, directory: Path, *, seconds: float, legacy: Path | None
) -> Sample:
    """Return what the rival did. `directory` must not exist yet."""
    try:
        sample = contest(rival, checks, directory, seconds=seconds, legacy=legacy)
        left = sum(not process_tree.is_zombie(pid) for pid in procfs.children(every_thread=True))
        return evolve(sample, left=left)
    finally:
        descendants.end_all_descendants()


def contest(
    rival: Rival, checks: Checks, directory: Path, *, seconds: float, legacy: Path | None
) -> Sample:
    """Return what the rival did, without what it left behind."""
    directory.mkdir()
    with (
        Listeners.open(0 if checks.kind == "bad" else checks.count) as listeners,
        Sink.open(directory / "sink") as sink,
    ):
        (directory / "rival").mkdir()
        task = Task(
            directory=directory / "rival",
            probes=checks.probes(listeners.ports),
            by_plugin=checks.by_plugin,
            program=sink.program,
            alertmanager=sink.url,
            legacy=legacy,
        )
        with running(rival, task) as processes:
            pids = [process.pid for process in processes]
            time.sleep(WARM_UP)
            sample = watch(rival.name, pids, listeners, seconds)
            if rival.notifies and listeners.ports:
                sample = break_ports(sample, task, listeners, sink)
            if ended := [process for process in processes if process.poll() is not None]:
                log = (task.directory / "output").read_text(encoding="utf-8", errors="replace")
                sys.exit(f"cannot measure: {ended[0].args!r} has ended:\n{log[-4000:]}")
    return sample


@contextmanager
def running(rival: Rival, task: Task) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run the rival; end it with SIGTERM, or with SIGKILL if that is not enough."""
    processes = []
    try:
        with (task.directory / "output").open("wb") as output:
            for command in rival.set_up(task):
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                processes.append(process)
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def watch(name: str, pids: Sequence[int], listeners: Listeners, seconds: float) -> Sample:
    """Return what the processes do in the next seconds."""
    listeners.clear()
    before = sum(map(process_tree.cpu_seconds, pids))
    begun = time.monotonic()
    time.sleep(seconds)
    used = sum(map(process_tree.cpu_seconds, pids)) - before
    took = time.monotonic() - begun
    found = timetable(listeners.arrivals())
    return Sample(
        name,
        cpu=60 * used / took,
        per_check=1000 * used / max(1, found.checks),
        timetable=found,
        memory=settled_memory(pids),
    )


def settled_memory(pids: Sequence[int]) -> Memory:
    """Return the median of some looks, because plugins come and go."""
    looks = []
    for _ in range(5):
        trees = [process_tree.memory(pid) for pid in pids]
        looks.append(Memory(sum(tree.resident for tree in trees), sum(tree.own for tree in trees)))
        time.sleep(0.2)
    return Memory(
        statistics.median(look.resident for look in looks),
        statistics.median(look.own for look in looks),
    )


def break_ports(sample: Sample, task: Task, listeners: Listeners, sink: Sink) -> Sample:
    """Close some ports, one after another; add how long the notifications took."""
    step = max(1, len(listeners.ports) // FAULTS)
    waiting: dict[str, float] = {}
    faults: list[float] = []
    accepted: list[float] = []
    ports = iter(listeners.ports[::step][:FAULTS])
    next_fault, deadline = (
        time.monotonic(),
        time.monotonic() + FAULTS * FAULT_INTERVAL + NOTIFICATION_TIMEOUT,
    )
    port = next(ports, None)
    while time.monotonic() < deadline and (waiting or port is not None):
        if port is not None and time.monotonic() >= next_fault:
            waiting[f"p{port}"] = time.time()
            listeners.close(port)
            next_fault += FAULT_INTERVAL
            port = next(ports, None)
        for name in [name for name in waiting if sink.notified(name)]:
            notified = sink.notified(name)
            assert notified is not None
            faults.append(notified - waiting.pop(name))
            if (ended := run_end(sample.name, task, name)) is not None:
                accepted.append(sink.accepted[name] - ended)
        time.sleep(0.02)
    return evolve(sample, faults=tuple(faults), accepted=tuple(accepted), missed=len(waiting))


def run_end(rival: str, task: Task, name: str) -> float | None:
    """Return when this supervisor's last run of a module ended, in Unix seconds."""
    if rival != "supervisor":
        return None
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "supervisor", "status"),
            *supervisor_options(task.directory),
            "--json",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (module,) = (part for part in json.loads(answer.stdout)["modules"] if part["name"] == name)
    begun = datetime.fromisoformat(module["last_run"]).timestamp()
    return begun + float(module["last_seconds"])
