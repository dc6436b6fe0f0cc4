"""Runs the benchmarks and writes their output and their charts to docs.

`scripts/bench` runs all of them. `scripts/bench record NAME…` runs some: it replaces their sections
and keeps the others. A benchmark that takes too long is ended. `scripts/bench NAME` runs one and
writes nothing. Run the long attacks by hand: chaos, cluster_chaos and a soak of 20 minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parent.parent
CHARTS = ROOT / "docs" / "pictures" / "benchmarks"
"""Where the charts are kept."""

RESULTS = ROOT / "docs" / "explanation" / "benchmark-results.md"
"""The output of all benchmarks."""

TITLE = "# What the benchmarks printed"
"""The first line of `RESULTS`."""

STOP_TIMEOUT = 60
"""Seconds from SIGINT to SIGKILL: a benchmark ends what it has started."""


@frozen
class Benchmark:
    """One benchmark as it is recorded."""

    words: tuple[str, ...]
    """The name of its file, and its arguments."""
    minutes: float
    """How long it may take."""
    draws: bool = False
    """Whether it takes `--svg`."""

    @property
    def title(self) -> str:
        return " ".join(word for word in self.words if not word.startswith("--"))

    @property
    def file(self) -> Path:
        return ROOT / "benchmarks" / f"{self.words[0]}.py"

    def command(self, legacy: Path | None) -> list[str]:
        drawing = ["--svg", str(CHARTS)] if self.draws else []
        agent = ["--legacy", str(legacy)] if legacy and self.words[0] == "peers" else []
        return [sys.executable, str(self.file), *self.words[1:], *drawing, *agent]


BENCHMARKS = (
    Benchmark(("footprint",), 5),
    Benchmark(("idle_cpu",), 8),
    Benchmark(("peers", "--checks", "tcp:20"), 15, draws=True),
    Benchmark(("peers", "--checks", "tcp:500"), 15, draws=True),
    Benchmark(("peers", "--checks", "command:20"), 15, draws=True),
    Benchmark(("peers", "--checks", "command:200"), 15, draws=True),
    Benchmark(("peers", "--checks", "bad:7"), 10, draws=True),
    Benchmark(("bad_plugins",), 5),
    Benchmark(("scale",), 45, draws=True),
    Benchmark(("soak",), 25, draws=True),
    Benchmark(("delivery",), 10),
    Benchmark(("overload",), 10),
    Benchmark(("families",), 5),
    Benchmark(("process_scan",), 5),
    Benchmark(("sessions",), 5),
    Benchmark(("file_patterns",), 5),
    Benchmark(("dns_queries",), 5),
    Benchmark(("ping",), 5),
    Benchmark(("status_page",), 5),
    Benchmark(("notifications",), 10),
    Benchmark(("fleet",), 12),
    Benchmark(("fleet_mirror",), 8),
)
"""All that are recorded, in the order of their sections."""


def main() -> None:
    names = sorted({benchmark.words[0] for benchmark in BENCHMARKS})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--legacy", type=Path, metavar="DIR", help="the legacy agent's directory")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - {*names, *(b.title for b in BENCHMARKS)}):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names)}")
    chosen = [
        benchmark
        for benchmark in BENCHMARKS
        if not options.names or {benchmark.words[0], benchmark.title} & {*options.names}
    ]
    CHARTS.mkdir(exist_ok=True)
    failed = []
    for benchmark in chosen:
        print(f"== {benchmark.title}", flush=True)
        load = os.getloadavg()[0]
        code, output = run(benchmark.command(options.legacy), benchmark.minutes)
        if code:
            failed.append(benchmark.title)
            output += f"\nended with {code}\n"
        text = f"{machine(load)}\n\n```text\n{output.strip()}\n```"
        old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(merged(old, {benchmark.title: text}), encoding="utf-8")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run(command: list[str], minutes: float) -> tuple[int, str]:
    """Run a command and show its output; return its exit code and the output."""
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # First interrupt it, so that it can end what it has started.
        timers = [
            threading.Timer(60 * minutes, process.send_signal, [signal.SIGINT]),
            threading.Timer(60 * minutes + STOP_TIMEOUT, process.kill),
        ]
        for timer in timers:
            timer.daemon = True
            timer.start()
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        code = process.wait()
        for timer in timers:
            timer.cancel()
    return code, "".join(lines)


def machine(load: float) -> str:
    """Return when and where a benchmark ran, in words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Linux {'.'.join(platform.release().split('.')[:2])}, Python {platform.python_version()}, "
        f"load before it {load:.2f}"
    )


def merged(old: str, new: Mapping[str, str]) -> str:
    """Return the document with new sections in place of old ones, in the benchmarks' order."""
    sections = dict(re.findall(r"^## (.+)\n\n((?:(?!^## )[^\n]*\n)*)", old, re.MULTILINE))
    sections |= new
    parts = [
        f"## {title}\n\n{sections[title].strip()}\n"
        for title in (benchmark.title for benchmark in BENCHMARKS)
        if title in sections
    ]
    return "\n".join([f"{TITLE}\n\nWritten by `scripts/bench`.\n", *parts])


if __name__ == "__main__":
    main()
