"""Runs a scenario from its beginning to its end, in virtual time and always in the same way."""

from __future__ import annotations

import logging
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest
import trio
from attrs import field, frozen

from tests.simulation.alertmanagers import Alertmanagers
from tests.simulation.channels import Channels
from tests.simulation.chronicle import Chronicle, Listener
from tests.simulation.disk import Disk
from tests.simulation.faults import begin
from tests.simulation.host import Host
from tests.simulation.jobs.kernel import Kernel
from tests.simulation.jobs.reporter import Reporter
from tests.simulation.kinds import DAY
from tests.simulation.peer import Peer
from tests.simulation.scenario import Scenario
from tests.simulation.service_file import service_of
from tests.simulation.virtual_time import HostClock, JumpingClock, TrueTime
from tests.simulation.world import World
from tests.support.recorder_bench import replace_threads

MEMORY_DISK = Path("/dev/shm")
"""Where files need no disk."""


COUNTS = 8
"""How often the counters are read in a world. In a long one, each day."""

LOOKS = (
    "supervisor.daemon.watchdog.MAX_SLEEP",
    "supervisor.delivery.sender.MAX_SLEEP",
    "supervisor.host.clock.MAX_SLEEP",
)
"""How long tasks wait at most until they look at the clock or at a file again."""


@frozen
class Outcome:
    """What came of a scenario."""

    digest: str
    """Of all that happened. A scenario has always the same."""

    counts: Counter[str]
    """Events by their names."""

    excused: Counter[str] = field(factory=Counter)
    """How often a named reason kept something from breaking a promise. The judges fill it."""


def simulate(scenario: Scenario, *listeners: Listener) -> Outcome:
    """Run a scenario. The listeners hear of each event. Whatever a task raises ends it."""
    chronicle = Chronicle([*listeners])
    with _one_way(scenario), _directory() as root:
        clock = JumpingClock()
        trio.run(_run, scenario, chronicle, root, clock, clock=clock)
    return Outcome(chronicle.digest, chronicle.counts)


async def _run(scenario: Scenario, chronicle: Chronicle, root: Path, clock: JumpingClock) -> None:
    true = TrueTime(scenario.start, clock)
    peers = {
        url: Peer(url, true, Random(f"{scenario.seed} {url}"), chronicle) for url in scenario.peers
    }
    group_interval = scenario.settings.group_interval
    alertmanagers = Alertmanagers(true, chronicle, scenario.peers, group_interval)
    for url, peer in peers.items():
        peer.take = partial(alertmanagers.take, url)
    host = Host(
        true=true,
        clock=HostClock(true=true),
        disk=Disk(root, Random(f"{scenario.seed} disk")),
        chronicle=chronicle,
        random=Random(f"{scenario.seed} jitter"),
        peers=peers,
        settings=scenario.settings,
        service=service_of(
            scenario.settings,
            scenario.modules,
            scenario.peers,
            scenario.maintenance,
            scenario.jobs,
            scenario.last_resort,
        ),
        channels=Channels(
            true=true,
            chronicle=chronicle,
            random=Random(f"{scenario.seed} channels"),
            is_used=scenario.last_resort is not None,
        ),
    )
    world = World(scenario, host, peers, alertmanagers, Random(f"{scenario.seed} faults"))
    kernel = Kernel(host.clock)
    reporter = Reporter(kernel, chronicle, Random(f"{scenario.seed} jobs"))
    with _heard_log(host), kernel.in_force():
        async with trio.open_nursery() as nursery:

            def stop() -> None:
                host.end_waits()
                nursery.cancel_scope.cancel()

            chronicle.stop = stop
            nursery.start_soon(host.disk.work)
            nursery.start_soon(alertmanagers.notify)
            nursery.start_soon(host.keep_up)
            if scenario.jobs is not None:
                nursery.start_soon(reporter.report, scenario.jobs)
            nursery.start_soon(_count, host, min(DAY, scenario.days * DAY / COUNTS))
            for fault in scenario.faults:
                await trio.sleep(max(0.0, fault.at - true.elapsed))
                nursery.start_soon(begin(world, fault))
            await trio.sleep(max(0.0, scenario.days * DAY - true.elapsed))
            chronicle.end()


async def _count(host: Host, interval: float) -> None:
    while True:
        await trio.sleep(interval)
        host.count()


@contextmanager
def _one_way(scenario: Scenario) -> Iterator[None]:
    """Decide by the seed all that is random in Python and trio. Run without threads."""
    from trio._core import _run as core

    before = core._r.getstate(), random.getstate()
    core._r.seed(scenario.seed)
    random.seed(scenario.seed)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(core, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
            replace_threads(patch)
            for constant in LOOKS:
                patch.setattr(constant, scenario.settings.look_interval)
            yield
    finally:
        core._r.setstate(before[0])
        random.setstate(before[1])


@contextmanager
def _directory() -> Iterator[Path]:
    """Make the current directory one of memory: so messages name files always in the same way."""
    parent = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=parent) as path, chdir(path):
        yield Path()


@contextmanager
def _heard_log(host: Host) -> Iterator[None]:
    """Let the host hear the log: all warnings, and the lines about finished runs."""
    logger, root = logging.getLogger("supervisor.modules"), logging.getLogger("supervisor")
    runs, warnings = _Runs(host.note_finished), _Warnings(host.note_logged)
    levels = logger.level, root.level, root.propagate
    logger.addHandler(runs)
    root.addHandler(warnings)
    logger.setLevel(logging.DEBUG)
    root.setLevel(logging.WARNING)
    root.propagate = False
    with pytest.MonkeyPatch.context() as patch:
        # Where a line was logged, and in which thread, takes longer than the rest.
        patch.setattr(logging, "_srcfile", None)
        for name in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
            patch.setattr(logging, name, False, raising=False)
        try:
            yield
        finally:
            logger.removeHandler(runs)
            root.removeHandler(warnings)
            logger.setLevel(levels[0])
            root.setLevel(levels[1])
            root.propagate = levels[2]


class _Runs(logging.Handler):
    def __init__(self, tell: Callable[[str, str], None]) -> None:
        super().__init__(logging.DEBUG)
        self.tell = tell

    def handle(self, record: logging.LogRecord) -> bool:
        if record.msg == "%s: %s in %.3f s" and isinstance(record.args, tuple):
            self.tell(str(record.args[0]), str(record.args[1]))
        return True


class _Warnings(logging.Handler):
    def __init__(self, tell: Callable[[int, str, str], None]) -> None:
        super().__init__(logging.WARNING)
        self.tell = tell

    def handle(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        self.tell(record.levelno, record.getMessage(), "" if error is None else error.__name__)
        return True
