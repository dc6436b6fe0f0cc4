"""What the status page costs: CPU time, memory, and how long it holds up the loop.

Prints the CPU time of opening the page with 60 modules and 500 alerts, the memory that the listener
adds to a supervisor, and for how long an answer with 10,000 modules holds up the loop at worst:
`scripts/bench status_page`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import trio

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.process_tree import memory
from benchmarks.rig.task import ROOT
from supervisor.observations import Condition, Report, Run
from tests.support.ports import free_port
from tests.support.web_bench import WebBench, client_of, modules

WARM_UP = 12.0
"""Seconds until every module has run at least once."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    runs = options.parse_args().runs
    bench = full(60, 500)
    page = trio.run(cpu_of, bench, "/", runs)
    report("open the page, 60 modules, 500 alerts", page * 1000, "ms CPU", 50)
    quiet = trio.run(cpu_of, full(60, 5), "/", runs)
    report("open the page, 60 modules, 5 alerts", quiet * 1000, "ms CPU", 50)
    report("/api/status of the same", trio.run(cpu_of, bench, "/api/status", runs) * 1000, "ms CPU")
    report("/metrics of the same", trio.run(cpu_of, bench, "/metrics", runs) * 1000, "ms CPU")
    large = full(10_000, 500)
    for path in ("/metrics", "/api/status", "/"):
        seconds, longest, size = trio.run(held_up, large, path)
        print(f"{path} of 10,000 modules: {seconds:.2f} s, {size / 1e6:.1f} MB")
        report("longest hold-up by it", longest * 1000, "ms", 20)
    _, longest, _ = trio.run(held_up, bench, "/")
    report("longest hold-up by opening the page", longest * 1000, "ms", 20)
    without, closed, opened = listening("")[0], *listening(f"127.0.0.1:{free_port()}")
    report("memory of the listener, never asked", closed - without, "MiB")
    report("memory of the listener, page and metrics asked", opened - without, "MiB")


def report(what: str, value: float, unit: str, aim: float | None = None) -> None:
    of_aim = f"   aim < {aim:g}, {value / aim:.2f} of it" if aim else ""
    print(f"{what:<48} {value:7.1f} {unit}{of_aim}")


def full(count: int, alerts: int) -> WebBench:
    """Return a bench with `count` modules and `alerts` alerts.

    With up to 100 modules, each has a hundred past runs.
    """
    bench = WebBench.make(*modules(count))
    names = list(bench.stats)
    if count <= 100:
        bench.fill()
    else:
        for stats in bench.stats.values():
            stats.finish(Run(stats.name, 0, 0, 0.01))
    each = alerts // 10
    for name in names[:10]:
        bench.run(
            name,
            *(
                Condition(
                    "Disk usage",
                    "W",
                    f"/srv/{part}",
                    "it is 97 % full",
                    detail="<b>detail</b>" * 20,
                )
                for part in range(each)
            ),
        )
    bench.run(names[10], *(Report(f"Daily {part}", "hello", "<b>hello</b>") for part in range(20)))
    bench.ledger.deliver()
    return bench


async def cpu_of(bench: WebBench, path: str, runs: int) -> float:
    """Return the median CPU time of one request, without that of the client."""
    async with client_of(bench) as client:
        await client.get(path)
        empty = await cpu(runs, lambda: client.get("/-/ready"))
        # A page is made again when the last one is older than a second.
        return await cpu(runs, lambda: client.get(path), pause=1.0) - empty


async def cpu(
    runs: int, what: Callable[[], Awaitable[httpx.Response]], pause: float = 0.0
) -> float:
    samples = []
    for _ in range(runs):
        await trio.sleep(pause)
        begun = time.process_time()
        (await what()).raise_for_status()
        samples.append(time.process_time() - begun)
    return statistics.median(samples)


async def held_up(bench: WebBench, path: str) -> tuple[float, float, int]:
    """Return the seconds of an answer, the longest time for which no other task ran, and its size.

    The client runs in a process of its own.
    """
    longest = 0.0

    async def take_turns() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await trio.sleep(0.0005)
            longest = max(longest, time.perf_counter() - before - 0.0005)

    async with client_of(bench) as client:
        url = f"{client.base_url}{path}"
        await client.get("/-/ready")
        gc.collect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            begun = time.perf_counter()
            done = await trio.run_process(
                ["curl", "-sf", "--noproxy", "*", url], capture_stdout=True
            )
            seconds = time.perf_counter() - begun
            nursery.cancel_scope.cancel()
    return seconds, longest, len(done.stdout)


def listening(listen: str) -> tuple[float, float]:
    """Return the MiB of a supervisor with 13 modules, before and after it was asked for pages."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        lines = ['service = "BENCH"', f'[status]\nlisten = "{listen}"']
        for number in range(13):
            lines.append(f'[[modules]]\ncheck = "disk"\nname = "m{number}"\nevery = "60s"')
            lines.append('[[modules.params.filesystems]]\nfilesystem = "/"\nmax_use_percent = 99')
        (directory / "Bench.toml").write_text("\n".join(lines), encoding="utf-8")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "supervisor", "--service", "Bench"),
                *("--config-dir", name, "--state-dir", f"{name}/state"),
            ],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(WARM_UP)
            before = memory(process.pid).resident
            for path in ("/", "/metrics", "/api/status") * 5 if listen else ():
                httpx.get(f"http://{listen}{path}", trust_env=False).raise_for_status()
            return before, memory(process.pid).resident
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
