"""How fast a backlog is delivered after an outage, and how fast an Alertmanager could take it.

`scripts/bench delivery [--alerts N] [--repeats N] [--profile]`: N alerts wait in a ledger. The
recorder and a sender deliver them to a peer that only reads, then to a real Alertmanager, then to
another one while runs are recorded. The ceiling is a plain loop that posts the same alerts in
batches made before. Each measurement has a new Alertmanager, and they take turns.
"""

from __future__ import annotations

import argparse
import cProfile
import http.client
import logging
import pstats
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import trio
from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.receivers import alertmanager, reader
from benchmarks.rig.task import ROOT
from supervisor.config.service import Alertmanager, Module, Service
from supervisor.delivery.client import Client
from supervisor.delivery.pace import MAX_BATCH_BYTES
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.sender import Sender
from supervisor.delivery.silences.keeper import Keeper
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.host.clock import Clock
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.observations import Condition, Duration, Run
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.update import Update
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats

READER_AIM = 10_000
"""Alerts a second to a peer that only reads, at least."""

AIM = 0.75
"""Of what the Alertmanager can take, at least."""

WRITING_AIM = 0.65
"""The same while runs are recorded."""

WRITE_INTERVAL = 0.02
"""Seconds between two runs that fire one condition and end another: 50 commits a second."""

BACKLOG = Module("fake", "backlog", at=("00:00",), max_conditions=1_000_000)
"""The module whose conditions wait for the peer."""

BUSY = Module("fake", "busy", every=Duration(1))
"""The module whose runs are recorded during the delivery."""


def service_for(url: str) -> Service:
    return Service(
        ROOT / "BENCH.toml",
        "BENCH",
        ZoneInfo("UTC"),
        labels={"host": "bench", "site": "test"},
        max_ledger=1 << 30,
        alertmanager=Alertmanager(urls=(url,)),
        modules=(BACKLOG, BUSY),
    )


def backlog(count: int, now: float) -> Run:
    """Return a run with `count` conditions."""
    conditions = (
        Condition("Disk usage", "W", f"/srv/{n}", f"{n % 100} % used, more than 90 %")
        for n in range(count)
    )
    return Run(BACKLOG.name, now, now, 0.1, observations=tuple(conditions))


@contextmanager
def filled(url: str, count: int) -> Iterator[tuple[Outbox, Ledger]]:
    """Yield outbox and ledger as a supervisor finds them when it starts after an outage."""
    with tempfile.TemporaryDirectory(prefix="delivery-") as directory:
        path = Path(directory, "ledger")
        outbox, ledger = Outbox.of(service_for(url)), Ledger(path)
        update = Update.begin(outbox, time.time())
        update.record(BACKLOG, backlog(count, time.time()), None)
        ledger.commit(update.changes)
        ledger.close()
        opened, outbox = open_ledger(path, time.time()), Outbox.of(service_for(url))
        outbox.restore(opened.contents)
        yield outbox, opened.ledger


async def deliver(outbox: Outbox, ledger: Ledger, *, writing: bool) -> float:
    """Return the seconds until the peer has taken what was waiting at the beginning."""
    (url,) = outbox.store.config.peers
    waiting = len(outbox.pending(url))
    clock = Clock()
    send, receive = trio.open_memory_channel[Message](256)
    stats = {
        module.name: ModuleStats(module.name, "fake") for module in outbox.store.service.modules
    }
    recorder = Recorder(outbox, Writer(ledger, outbox, clock), clock, stats)
    peer = PeerStatus(url)
    async with (
        Client(url, outbox.store.service.alertmanager) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(recorder.record, receive)
        sender = Sender(
            peer=peer,
            client=client,
            outbox=outbox,
            clock=clock,
            send=send,
            changed=recorder.changed,
            jitter=lambda: 0.1,
            silences=Keeper(
                peer=peer,
                client=client,
                store=outbox.store,
                clock=clock,
                waiting=WaitingSilences(Path("/nonexistent")),
            ),
        )
        begun = time.perf_counter()
        nursery.start_soon(sender.deliver)
        if writing:
            nursery.start_soon(write, send)
        while peer.sent < waiting:  # noqa: ASYNC110 - a sender sets no event for it
            await trio.sleep(0.002)
        took = time.perf_counter() - begun
        nursery.cancel_scope.cancel()
    recorder.writer.close()  # in the thread that may still write
    return took


async def write(send: trio.MemorySendChannel[Message]) -> None:
    """Record runs; each of them changes something."""
    number = 0
    while True:
        number += 1
        now = time.time()
        seen = Condition("Session count", "W", f"n{number}", "too many")
        await send.send(Run(BUSY.name, now, now, 0.0, observations=(seen,)))
        await trio.sleep(WRITE_INTERVAL)


def batches(count: int) -> list[bytes]:
    """Return the bodies of the requests that a sender would make."""
    outbox = Outbox.of(service_for("http://127.0.0.1:1"))
    now = time.time()
    update = Update.begin(outbox, now)
    update.record(BACKLOG, backlog(count, now), None)
    outbox.store.adopt(update.changes)
    outbox.requeue(update.changes.alerts)
    made = []
    most = outbox.store.service.alertmanager.max_batch
    (peer,) = outbox.store.config.peers
    while batch := outbox.take_due(peer, now, 0.0, max_alerts=most, max_bytes=MAX_BATCH_BYTES):
        made.append(b"[" + b",".join(item.data for item in batch) + b"]")
    return made


def post(url: str, bodies: list[bytes]) -> float:
    """Return in how many seconds one connection takes the requests, one after another."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.connect()
    begun = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Alertmanager answers {answer.status}")
    took = time.perf_counter() - begun
    connection.close()
    return took


@frozen
class Rates:
    """Alerts a second."""

    ceiling: float
    """Posted by a plain loop."""
    drain: float
    """Delivered while nothing is recorded."""
    writing: float
    """Delivered while runs are recorded."""


def rate(url: str, count: int, *, writing: bool = False, profile: bool = False) -> float:
    """Return the alerts a second at which a backlog is delivered."""
    with filled(url, count) as (store, ledger):

        def run() -> float:
            return trio.run(lambda: deliver(store, ledger, writing=writing))

        return count / (profiled(run) if profile else run())


def profiled(run: Callable[[], float]) -> float:
    profile = cProfile.Profile()
    took = profile.runcall(run)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    return took


def compared(count: int) -> Rates:
    """Measure one rate after another, each with an Alertmanager of its own."""
    bodies = batches(count)
    with alertmanager() as url:
        ceiling = count / post(url, bodies)
    with alertmanager() as url:
        drain = rate(url, count)
    with alertmanager() as url:
        return Rates(ceiling, drain, rate(url, count, writing=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=50_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    logging.getLogger("supervisor").addHandler(logging.NullHandler())
    repeats = 1 if options.profile else 3
    with reader() as url:
        fake = [rate(url, options.alerts, profile=options.profile) for _ in range(repeats)]
    print(f"to a peer that only reads: {statistics.median(fake):.0f} alerts/s   (aim {READER_AIM})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most {peak:.0f} MB, with what made the {options.alerts} alerts")
    if options.profile:
        return
    if shutil.which("prometheus-alertmanager") is None:
        print("prometheus-alertmanager is not installed: not measured")
        return
    compare(options.alerts, options.repeats)


def compare(count: int, repeats: int) -> None:
    """Print how near to its ceiling the delivery comes."""
    found = []
    for number in range(repeats):
        rates = compared(count)
        found.append(rates)
        print(
            f"repeat {number + 1}: ceiling {rates.ceiling:6.0f}/s   "
            f"delivered {rates.drain:6.0f}/s = {rates.drain / rates.ceiling:.2f}   "
            f"while writing {rates.writing:6.0f}/s = {rates.writing / rates.ceiling:.2f}"
        )
    for name, aim, share in (
        ("delivered", AIM, [rates.drain / rates.ceiling for rates in found]),
        ("while writing", WRITING_AIM, [rates.writing / rates.ceiling for rates in found]),
    ):
        print(f"median {name}: {statistics.median(share):.2f} of the ceiling   (aim {aim})")


if __name__ == "__main__":
    main()
