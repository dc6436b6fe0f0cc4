"""CPU per TCP check of a supervisor that only waits and connects; beside it, Monit.

N `connection` modules every 10 s against listeners on loopback, no Alertmanager; then Monit
with the same N checks: `scripts/bench idle_cpu [--quick]`. Both are measured from outside: CPU
by the kernel's clock of the process, checks and their intervals by the listeners.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import trio
from attrs import define, field, frozen

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the project is run from its directory, not installed
from checks import connection  # noqa: E402 - found by the line above

EVERY = 10
AIM = 0.3


@frozen
class Sample:
    """What was seen in one window. Milliseconds, but `load` is in percent of one core."""

    checks: int
    per_check: float
    load: float
    spread: float
    burst: int

    def __str__(self) -> str:
        return (
            f"{self.checks:5} checks   {self.per_check:.3f} ms CPU per check   "
            f"{self.load:5.2f} % of a core   intervals ± {self.spread:.1f} ms   "
            f"at most {self.burst} in 100 ms"
        )


@define
class Listeners:
    """N listening sockets, and when each was connected to."""

    ports: list[int] = field(factory=list)
    arrivals: dict[int, list[float]] = field(factory=lambda: defaultdict(list))
    _selector: selectors.DefaultSelector = field(factory=selectors.DefaultSelector)
    _stopping: bool = False

    @classmethod
    @contextlib.contextmanager
    def open(cls, count: int) -> Iterator[Listeners]:
        listeners = cls()
        with ExitStack() as stack:
            for _ in range(count):
                sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                listeners.ports.append(sock.getsockname()[1])
                listeners._selector.register(sock, selectors.EVENT_READ, listeners.ports[-1])
            thread = threading.Thread(target=listeners._accept)
            thread.start()
            try:
                yield listeners
            finally:
                listeners._stopping = True
                thread.join()

    def _accept(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.accept()[0].close()
                self.arrivals[key.data].append(time.monotonic())

    def watch(self, pid: int, seconds: float) -> Sample:
        """Return what the process does from now on for so many seconds."""
        self.arrivals.clear()
        before = cpu_seconds(pid)
        time.sleep(seconds)
        used = cpu_seconds(pid) - before
        arrivals = {port: list(times) for port, times in list(self.arrivals.items())}
        moments = sorted(moment for times in arrivals.values() for moment in times)
        gaps = [b - a for times in arrivals.values() for a, b in pairwise(times)]
        return Sample(
            checks=len(moments),
            per_check=1000 * used / max(1, len(moments)),
            load=100 * used / seconds,
            spread=1000 * statistics.pstdev(gaps) if gaps else 0.0,
            burst=max((burst(moments, first) for first in moments), default=0),
        )


def burst(moments: Sequence[float], first: float) -> int:
    return sum(first <= moment < first + 0.1 for moment in moments)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants, to the nanosecond.

    The clock's number is that of clock_getcpuclockid(3); /proc/PID/stat counts in 10 ms.
    """
    children = (
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    )
    return time.clock_gettime((~pid << 3) | 2) + sum(map(cpu_seconds, children))


def supervisor(directory: Path, ports: Sequence[int]) -> list[str]:
    """Write the service file and return the command."""
    modules = (
        f'[[modules]]\ncheck = "connection"\nname = "m{port}"\nevery = "{EVERY}s"\n'
        f'[modules.params]\nservers = [{{ name = "S", host = "127.0.0.1", port = {port} }}]\n'
        for port in ports
    )
    text = 'service = "BENCH"\n' + "".join(modules)
    (directory / "Bench.toml").write_text(text, encoding="utf-8")
    state = directory / f"state-{len(ports)}"
    arguments = ["--config-dir", str(directory), "--state-dir", str(state)]
    return [sys.executable, "-m", "supervisor", "--service", "Bench", *arguments]


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
        return listeners.watch(process.pid, window)
    finally:
        process.terminate()
        process.wait(20)


async def hot_loop(port: int, runs: int) -> float:
    """Return ms of CPU of one run of the check, without wake-ups, runner and ledger."""
    params = connection.Params((connection.Server("S", "127.0.0.1", port),))
    context = None  # the check does not look at it
    begun = time.thread_time()
    for _ in range(runs):
        await connection.run(context, params)  # type: ignore[arg-type]  # see above
    return 1000 * (time.thread_time() - begun) / runs


async def wake_ups(count: int) -> float:
    """Return ms of CPU of one wake-up of an event loop in which there is nothing to do."""
    begun = time.thread_time()
    for _ in range(count):
        await trio.sleep(0.25)
    return 1000 * (time.thread_time() - begun) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 modules, one short window")
    quick = parser.parse_args().quick
    counts, warm_up, window = ((20,), 12, 20) if quick else ((20, 500), 15, 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with Listeners.open(1) as listeners:
        cost = trio.run(hot_loop, listeners.ports[0], 500 if quick else 3000)
        print(f"the check itself, in a hot loop: {cost:.3f} ms CPU per run")
    print(f"a wake-up for nothing: {trio.run(wake_ups, 20):.3f} ms CPU")
    for count in counts:
        print(f"\n{count} checks every {EVERY} s")
        with Listeners.open(count) as listeners, tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            ours = measure(supervisor(directory, listeners.ports), listeners, warm_up, window)
            print(f"  supervisor  {ours}")
            if shutil.which("monit"):
                peer = measure(monit(directory, listeners.ports), listeners, warm_up, window)
                print(f"  monit       {peer}")
                print(f"  ratio to monit: CPU per check {ours.per_check / peer.per_check:.2f}")
    print(f"\naim: at most {AIM} ms CPU per check")


if __name__ == "__main__":
    main()
