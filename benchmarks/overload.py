"""How long a module with far too many conditions holds up another one.

`scripts/bench overload [--seconds N]`: one module returns 50,000 conditions in each run, or flaps,
or gives its conditions new names in each run. A calm module runs every half second. Runners,
recorder and the ledger on disk are real. Prints how late the calm module started at worst, for how
long the event loop was blocked at worst, and how many alerts were kept.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import trio
from attrs import define, frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from supervisor.config.service import Module, Service
from supervisor.host.clock import Clock
from supervisor.ledger.database import Ledger
from supervisor.ledger.outbox import Outbox
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import Runner
from supervisor.observations import Condition, Duration, Observation
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.writer import Writer
from supervisor.schedule.schedule import Grid
from supervisor.stats.module_stats import ModuleStats

AIM = 200
"""Milliseconds for which the loop may be blocked, at most."""

CALM = Module("fake", "calm", every=Duration(0.5))
"""The module that is held up."""

LOUD = Module("fake", "loud", every=Duration(2))
"""The module with too many conditions."""

Observe = Callable[[], Iterator[Observation]]
"""Returns what one run of the loud module sees."""

numbers = itertools.count()
"""Numbers the runs of the loud module."""


def conditions(count: int, prefix: str = "") -> Iterator[Observation]:
    return (Condition("Disk usage", "W", f"/srv/{prefix}{n}", "it is full") for n in range(count))


SCENES: dict[str, Observe] = {
    "nothing": lambda: conditions(0),
    "50,000 conditions in each run": lambda: conditions(50_000),
    "1,000 conditions in every other run": lambda: conditions(1000 * (next(numbers) % 2)),
    "1,000 new names in each run": lambda: conditions(1000, f"{next(numbers)}/"),
}


@frozen
class NoParams:
    """Of the checks of this benchmark."""


@define
class Scene:
    """The two modules at work."""

    observe: Observe
    latest: float = 0.0
    """Milliseconds by which the calm module started late, at worst."""
    blocked: float = 0.0
    """Milliseconds for which the loop was blocked, at worst."""
    kept: int = 0
    """Alerts in the store at the end."""
    runs: int = 0
    """Runs of the calm module."""

    async def play(self, seconds: float, path: Path) -> None:
        clock = Clock()
        service = Service(
            path, "BENCH", ZoneInfo("UTC"), labels={"host": "h"}, modules=(CALM, LOUD)
        )
        outbox = Outbox.of(service)
        ledger = Ledger(path)
        stats = {name: ModuleStats(name, "fake") for name in (CALM.name, LOUD.name)}
        recorder = Recorder(outbox, Writer(ledger, outbox, clock), clock, stats)
        send, receive = trio.open_memory_channel[Message](256)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clock.watch)
            nursery.start_soon(recorder.record, receive)
            nursery.start_soon(self._watch)
            for module, run in ((CALM, self._run_calmly), (LOUD, self._run_loudly)):
                runner = Runner(
                    module=module,
                    check=Check("fake", NoParams, run, ""),
                    schedule=Grid(module.every or 1.0, 0.0),
                    clock=clock,
                    stats=stats[module.name],
                    stopping=trio.Event(),
                    make_context=ContextFactory(clock, outbox.store).context,
                    overdue=OverdueRuns(),
                    send=send,
                    after=clock.now(),
                )
                await nursery.start(runner.supervise, float("inf"))
            await trio.sleep(seconds)
            self.kept = len(outbox.store.alerts)
            nursery.cancel_scope.cancel()
        recorder.writer.close()  # in the thread that may still write

    async def _run_calmly(self, _context: object, _params: object) -> list[Observation]:
        self.runs += 1
        self.latest = max(self.latest, time.time() % 0.5 * 1000)
        return []

    async def _run_loudly(self, _context: object, _params: object) -> Iterator[Observation]:
        return self.observe()

    async def _watch(self) -> None:
        """Measure the longest time for which no task could run."""
        last = time.perf_counter()
        while True:
            await trio.sleep(0.001)
            now = time.perf_counter()
            self.blocked = max(self.blocked, (now - last) * 1000)
            last = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, metavar="N", help="for each scene")
    options = parser.parse_args()
    logging.getLogger("supervisor").addHandler(logging.NullHandler())
    for name, observe in SCENES.items():
        scene = Scene(observe)
        with tempfile.TemporaryDirectory(prefix="overload-") as directory:
            trio.run(scene.play, options.seconds, Path(directory, "ledger"))
        if scene.runs < options.seconds:  # two in a second are due
            sys.exit(f"cannot measure: the calm module ran {scene.runs} times")
        print(
            f"{name:<36} calm module at most {scene.latest:4.0f} ms late   "
            f"loop blocked at most {scene.blocked:4.0f} ms (aim {AIM})   "
            f"{scene.kept:5} alerts kept"
        )


if __name__ == "__main__":
    main()
