"""The cluster run: supervisor, Alertmanagers and sink are killed in turn; the mails are counted."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import trio
from aiosmtpd.controller import Controller
from attrs import define, field, frozen

from tests.chaos import service
from tests.chaos.cluster import GOSSIP, MAINTENANCE, SETTLED, Gate, Member, Sink
from tests.chaos.mails import Cluster, Count, Death, count
from tests.chaos.truth import establish, read_journal
from tests.chaos.victim import Victim
from tests.support.ports import free_port

CALM = max(service.CLUSTER_PERIODS) + service.CLUSTER_MIN_VISIBLE + 2 * SETTLED + 10.0
"""Seconds after which everything must have been notified once all is well."""

AIMED = 1.0
"""Seconds within which a peer is killed after it has notified, in half of its deaths."""


@frozen
class Outcome:
    """What a cluster run did and what came of it."""

    count: Count
    done: Counter[str]
    broken: tuple[str, ...]


@define
class ClusterStorm:
    """So many `rounds` of one fault each, drawn by the `seed`."""

    directory: Path
    rounds: int
    seed: int
    sink: Sink = field(factory=Sink)
    members: list[Member] = field(factory=list)
    deaths: list[Death] = field(factory=list)
    done: Counter[str] = field(factory=Counter)
    _gates: list[Gate] = field(factory=list)
    _random: Random = field(init=False)
    _victim: Victim = field(init=False)
    _mailed: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)
        self._victim = Victim(self.directory, Random(self.seed))

    async def run(self) -> Outcome:
        """Do it all and return what came of it."""
        smtp = free_port()
        controller = Controller(self.sink, hostname="127.0.0.1", port=smtp)
        controller.start()
        try:
            self._form_cluster(smtp)
            return await self._run()
        finally:
            if self._victim.process is not None:
                self._victim.process.kill()
                self._victim.process.wait()
            for member in self.members:
                if member.process is not None:
                    member.kill()
            controller.stop()

    def _form_cluster(self, smtp: int) -> None:
        for number in range(3):
            directory = self.directory / f"peer{number}"
            directory.mkdir()
            self.members.append(Member(f"peer{number}", directory, smtp))
        for member in self.members:
            member.others = tuple(other.gossip for other in self.members if other is not member)
            member.start()
            self._gates.append(Gate(member.web))

    async def _run(self) -> Outcome:
        journal, quiet = self.directory / "journal", self.directory / "quiet"
        await trio.Path(journal).mkdir()
        urls = [gate.url for gate in self._gates]
        service.write_for_cluster(self.directory, urls, self.seed, journal, quiet)
        token = trio.lowlevel.current_trio_token()
        self.sink.took = lambda: token.run_sync_soon(lambda: self._mailed.set())
        async with trio.open_nursery() as nursery:
            for gate in self._gates:
                nursery.start_soon(gate.live)
            await trio.sleep(SETTLED)
            self._victim.start()
            for _ in range(self.rounds):
                await trio.sleep(self._random.uniform(0.5, 4.0))
                await self._do_something()
            await trio.Path(quiet).touch()
            await trio.sleep(CALM)
            await trio.to_thread.run_sync(self._victim.stop)
            nursery.cancel_scope.cancel()
        return self._outcome(journal)

    async def _do_something(self) -> None:
        fault = self._random.choice(
            (self._kill_supervisor, self._kill_supervisor, self._kill_peer, self._kill_sink)
        )
        if self._random.random() < 0.08:
            fault = self._close_gates
        await fault()

    async def _kill_supervisor(self) -> None:
        in_commit = self._random.random() < 0.7
        await trio.to_thread.run_sync(partial(self._victim.kill, in_commit=in_commit))
        self.done["supervisor killed"] += 1
        await trio.sleep(self._random.choice((0.0, 0.0, 2.0, 6.0)))
        self._victim.start()

    async def _kill_peer(self) -> None:
        """Kill one peer while the others are at work, and start it again."""
        await trio.sleep(max(member.settles_in() for member in self.members))
        member = self._random.choice(self.members)
        if self._random.random() < 0.5:
            member = await self._one_that_notifies() or member
            await trio.sleep(self._random.uniform(0.0, AIMED))
        self.deaths.append(member.kill())
        self.done["peer killed"] += 1
        await trio.sleep(self._random.choice((0.0, 1.0, 4.0)))
        member.start()

    async def _one_that_notifies(self) -> Member | None:
        self._mailed = trio.Event()
        with trio.move_on_after(10.0):
            await self._mailed.wait()
            name = self.sink.mails[-1].peer
            return next(member for member in self.members if member.name == name)
        return None

    async def _kill_sink(self) -> None:
        self.sink.die_after_data = 1
        self.done["sink killed after DATA"] += 1

    async def _close_gates(self) -> None:
        for gate in self._gates:
            gate.close()
        self.done["outage"] += 1
        await trio.sleep(self._random.uniform(3.0, 15.0))
        for gate in self._gates:
            gate.open()

    def _outcome(self, journal: Path) -> Outcome:
        journals = {path.stem: read_journal(path) for path in sorted(journal.iterdir())}
        truth = establish(journals, self._victim.lives, {})
        cluster = Cluster(MAINTENANCE, GOSSIP)
        found = count(truth, self.sink.mails, self.deaths, cluster)
        return Outcome(found, self.done, (*truth.broken, *self._victim.strange))
