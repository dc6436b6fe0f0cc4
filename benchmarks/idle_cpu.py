"""The CPU of one TCP check, of a supervisor that only waits and connects, and of Monit.

N `connection` modules run every 10 s against listeners on loopback, without an Alertmanager. Then
Monit runs the same N checks: `scripts/bench idle_cpu [--quick] [--python PROGRAM…]`. Both are
measured from outside: the CPU by the kernel's clock of the process, checks and their intervals by
the listeners. With `--python` the supervisor runs with each of these interpreters, too. They need
the packages of `requirements.lock`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import trio
from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.arrivals import Listeners, timetable
from benchmarks.rig.process_tree import cpu_seconds, memory
from benchmarks.rig.task import EVERY, ROOT
from checks import connection

AIM = 0.3
"""Milliseconds of CPU for one check, at most."""


@frozen
class Sample:
    """What a program did in one window."""

    checks: int
    per_check: float
    """Milliseconds of CPU."""
    load: float
    """Percent of one core."""
    spread: float
    """Standard deviation of the intervals, in milliseconds."""
    burst: int
    """Starts within 100 ms, at most."""
    resident: float
    """MiB of memory at the end."""

    def __str__(self) -> str:
        return (
            f"{self.checks:5} checks   {self.per_check:.3f} ms CPU per check   "
            f"{self.load:5.2f} % of a core   intervals ± {self.spread:.1f} ms   "
            f"at most {self.burst} in 100 ms   {self.resident:.1f} MiB"
        )


def watch(pid: int, listeners: Listeners, seconds: float) -> Sample:
    """Return what the process does in the next seconds."""
    listeners.clear()
    before = cpu_seconds(pid)
    time.sleep(seconds)
    used = cpu_seconds(pid) - before
    found = timetable(listeners.arrivals())
    return Sample(
        checks=found.checks,
        per_check=1000 * used / max(1, found.checks),
        load=100 * used / seconds,
        spread=1000 * found.deviation,
        burst=found.burst,
        resident=memory(pid).resident,
    )


def supervisor(directory: Path, ports: Sequence[int], python: str) -> list[str]:
    """Write the service file and return the command."""
    modules = (
        f'[[modules]]\ncheck = "connection"\nname = "m{port}"\nevery = "{EVERY}s"\n'
        f'[modules.params]\nservers = [{{ name = "S", host = "127.0.0.1", port = {port} }}]\n'
        for port in ports
    )
    text = 'service = "BENCH"\n' + "".join(modules)
    (directory / "Bench.toml").write_text(text, encoding="utf-8")
    state = directory / "state"
    arguments = ["--config-dir", str(directory), "--state-dir", str(state)]
    return [python, "-m", "supervisor", "--service", "Bench", *arguments]


def monit(directory: Path, ports: Sequence[int]) -> list[str]:
    """Write Monit's configuration and return the command."""
    control = directory / "monitrc"
    files = "".join(
        f"set {name} {directory}/monit-{name}\n" for name in ("pidfile", "statefile", "idfile")
    )
    hosts = "".join(
        f"check host m{port} with address 127.0.0.1\n  if failed port {port} type tcp then alert\n"
        for port in ports
    )
    text = f"set daemon {EVERY}\nset log {directory}/monit.log\n{files}{hosts}"
    control.write_text(text, encoding="utf-8")
    control.chmod(0o600)
    return ["monit", "-I", "-c", str(control)]


def measure(command: list[str], listeners: Listeners, warm_up: float, window: float) -> Sample:
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(warm_up)
        if process.poll() is not None:
            sys.exit(f"cannot measure: {' '.join(command)} ended with {process.returncode}")
        return watch(process.pid, listeners, window)
    finally:
        process.terminate()
        process.wait(20)


def measure_one(
    command: Callable[[Path, Sequence[int]], list[str]],
    listeners: Listeners,
    warm_up: float,
    window: float,
) -> Sample:
    with tempfile.TemporaryDirectory() as name:
        return measure(command(Path(name), listeners.ports), listeners, warm_up, window)


def version(python: str) -> str:
    """Return the version of an interpreter."""
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


async def hot_loop(port: int, runs: int) -> float:
    """Return the ms of CPU of one run of the check, without wake-ups, runner and ledger."""
    params = connection.Params((connection.TcpServer("S", "127.0.0.1", port),))
    context = None  # the check does not look at it
    begun = time.thread_time()
    for _ in range(runs):
        await connection.run(context, params)  # type: ignore[arg-type]  # see above
    return 1000 * (time.thread_time() - begun) / runs


async def wake_ups(count: int) -> float:
    """Return the ms of CPU of one wake-up of an event loop that has nothing to do."""
    begun = time.thread_time()
    for _ in range(count):
        await trio.sleep(0.25)
    return 1000 * (time.thread_time() - begun) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 modules, one short window")
    parser.add_argument("--python", nargs="+", default=[], metavar="PROGRAM", help="interpreters")
    options = parser.parse_args()
    quick = options.quick
    counts, warm_up, window = ((20,), 12, 20) if quick else ((20, 500), 15, 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with Listeners.open(1) as listeners:
        cost = trio.run(hot_loop, listeners.ports[0], 500 if quick else 3000)
        print(f"the check itself, in a hot loop: {cost:.3f} ms CPU per run")
    print(f"a wake-up for nothing: {trio.run(wake_ups, 20):.3f} ms CPU")
    for count in counts:
        print(f"\n{count} checks every {EVERY} s")
        with Listeners.open(count) as listeners:
            for python in (*options.python, sys.executable):
                ours = measure_one(partial(supervisor, python=python), listeners, warm_up, window)
                print(f"  supervisor  {ours}   Python {version(python)}", flush=True)
            if shutil.which("monit"):
                peer = measure_one(monit, listeners, warm_up, window)
                print(f"  monit       {peer}")
                print(f"  ratio to monit: CPU per check {ours.per_check / peer.per_check:.2f}")
    print(f"\naim: at most {AIM} ms CPU per check")


if __name__ == "__main__":
    main()
