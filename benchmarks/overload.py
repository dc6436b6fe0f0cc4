"""How long one module that says far too much keeps the others waiting.

`scripts/bench overload [--seconds N]`: one module returns 50,000 conditions in each run, or flaps,
or names everything anew; beside it a calm one runs every half second. Runners, recorder and
a ledger on disk are real. Prints how late the calm one started at worst, for how long the event
loop was blocked at worst, and what was kept.
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

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the project is run from its directory, not installed
from supervisor.config.service import Module, Service  # noqa: E402
from supervisor.host.clock import Clock  # noqa: E402
from supervisor.ledger.database import Ledger  # noqa: E402
from supervisor.ledger.outbox import Outbox  # noqa: E402 - found by the line above
from supervisor.modules.context_factory import ContextFactory  # noqa: E402
from supervisor.modules.loader import Check  # noqa: E402
from supervisor.modules.runner import Runner  # noqa: E402
from supervisor.observations import Condition, Duration, Observation  # noqa: E402
from supervisor.recorder.messages import Message  # noqa: E402
from supervisor.recorder.recorder import Recorder  # noqa: E402
from supervisor.recorder.writer import Writer  # noqa: E402
from supervisor.schedule.schedule import Grid  # noqa: E402
from supervisor.stats.module_stats import ModuleStats  # noqa: E402

AIM = 200
"""Milliseconds."""

CALM = Module("fake", "calm", every=Duration(0.5))
LOUD = Module("fake", "loud", every=Duration(2))
Says = Callable[[], Iterator[Observation]]

numbers = itertools.count()


def conditions(count: int, prefix: str = "") -> Iterator[Observation]:
    return (Condition("Disk usage", "W", f"/srv/{prefix}{n}", "it is full") for n in range(count))


SCENES: dict[str, Says] = {
    "nothing": lambda: conditions(0),
    "50,000 conditions in each run": lambda: conditions(50_000),
    "1,000 conditions in every other run": lambda: conditions(1000 * (next(numbers) % 2)),
    "1,000 new names in each run": lambda: conditions(1000, f"{next(numbers)}/"),
}


@frozen
class NoParams:
    """The checks of this benchmark take none."""


@define
class Scene:
    """One pair of modules. Milliseconds."""

    says: Says
    latest: float = 0.0
    blocked: float = 0.0
    kept: int = 0

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
            nursery.start_soon(recorder.record, receive)
            nursery.start_soon(self._watch)
            for module, run in ((CALM, self._run_calmly), (LOUD, self._run_loudly)):
                runner = Runner(
                    module,
                    Check("fake", NoParams, run, ""),
                    Grid(module.every or 1.0, 0.0),
                    clock,
                    stats[module.name],
                    trio.Event(),
                    ContextFactory(clock, outbox.store).context,
                    send,
                    clock.now(),
                )
                await nursery.start(runner.supervise, float("inf"))
            await trio.sleep(seconds)
            self.kept = len(outbox.store.alerts)
            nursery.cancel_scope.cancel()
        ledger.close()

    async def _run_calmly(self, _context: object, _params: object) -> list[Observation]:
        self.latest = max(self.latest, time.time() % 0.5 * 1000)
        return []

    async def _run_loudly(self, _context: object, _params: object) -> Iterator[Observation]:
        return self.says()

    async def _watch(self) -> None:
        """Measure the longest time for which no task had its turn."""
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
    for name, says in SCENES.items():
        scene = Scene(says)
        with tempfile.TemporaryDirectory(prefix="overload-") as directory:
            trio.run(scene.play, options.seconds, Path(directory, "ledger"))
        print(
            f"{name:<36} calm module at most {scene.latest:4.0f} ms late   "
            f"loop blocked at most {scene.blocked:4.0f} ms (aim {AIM})   "
            f"{scene.kept:5} alerts kept"
        )


if __name__ == "__main__":
    main()
