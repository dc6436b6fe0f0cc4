"""What a supervisor with 13 modules costs to start, keep and stop; beside it, Monit.

Prints the time from exec to READY=1, resident memory, and the time from SIGTERM to exit, as
medians, and their ratios to Monit with 13 checks in the same run: `scripts/bench footprint`.
Compile the bytecode first, as `scripts/bench` does: without it a start takes 0.5 s longer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parent.parent
MODULES = 13
SETTLED = 12.0
"""Seconds: every module has run at least once by then."""


@frozen
class Sample:
    """Seconds to be ready, MiB resident, seconds to exit."""

    ready: float
    memory: float
    exit: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ours = measure(lambda last: supervisor(directory, settle=last), runs)
        report("supervisor", ours)
        if shutil.which("monit"):
            peer = measure(lambda last: monit(directory, settle=last), runs)
            report("monit", peer)
            print(
                f"ratio to monit: ready {ours.ready / peer.ready:.1f}, "
                f"memory {ours.memory / peer.memory:.1f}, exit {ours.exit / peer.exit:.1f}"
            )
    print("aims: ready < 0.5 s, memory < 45 MB, exit < 0.3 s")


def measure(start: Callable[[bool], Sample], runs: int) -> Sample:
    """Return medians; memory is that of the last run, which is left to settle."""
    samples = [start(number == runs - 1) for number in range(runs)]
    return Sample(
        statistics.median(sample.ready for sample in samples),
        samples[-1].memory,
        statistics.median(sample.exit for sample in samples),
    )


def report(name: str, sample: Sample) -> None:
    print(
        f"{name:<12} ready {sample.ready:.3f} s   memory {sample.memory:.1f} MiB   "
        f"exit {sample.exit:.3f} s"
    )


def supervisor(directory: Path, *, settle: bool) -> Sample:
    config = ['service = "BENCH"']
    for number in range(MODULES):
        # The mix of the legacy host: mostly checks in process, some commands.
        check = ("disk", "inode", "connection", "command")[number % 4]
        config.append(f'[[modules]]\ncheck = "{check}"\nname = "m{number}"\nevery = "60s"')
        config.append("[modules.params]")
        config.append(
            {
                "disk": 'filesystems = [{ filesystem = "/", max_use_percent = 99 }]',
                "inode": 'filesystems = [{ filesystem = "/", max_use_percent = 99 }]',
                "connection": 'servers = [{ name = "S", host = "127.0.0.1", port = 9 }]',
                "command": 'protocol = "text"\nargv = ["true"]',
            }[check]
        )
    (directory / "Bench.toml").write_text("\n".join(config), encoding="utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        address = str(directory / "notify")
        Path(address).unlink(missing_ok=True)
        sock.bind(address)
        begun = time.perf_counter()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "supervisor", "--service", "Bench"),
                *("--config-dir", str(directory), "--state-dir", str(directory / "state")),
            ],
            cwd=ROOT,
            env=os.environ | {"NOTIFY_SOCKET": address},
            stderr=subprocess.DEVNULL,
        )
        while b"READY=1" not in sock.recv(4096):
            pass
        ready = time.perf_counter() - begun
    return wind_up(process, ready, settle=settle)


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
    time.sleep(SETTLED if settle else 0.5)
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    memory = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024
    begun = time.perf_counter()
    process.terminate()
    process.wait()
    return Sample(ready, memory, time.perf_counter() - begun)


if __name__ == "__main__":
    main()
