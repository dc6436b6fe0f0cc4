"""The chaos run itself: bad weather at three peers, a supervisor that is killed again and again.

Afterwards all becomes calm, and what the peers were sent is judged.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import trio
from attrs import asdict, define, field, frozen

from tests.chaos import service
from tests.chaos.peer import ChaosPeer
from tests.chaos.truth import establish, read_journal
from tests.chaos.verdict import Trial, Verdict
from tests.chaos.verify import judge
from tests.chaos.victim import Victim
from tests.chaos.weather import FINE, REACHABLE, UNREACHABLE, UNSURE, Weather

CALM = 4 * service.RESEND_INTERVAL + 2 * service.MIN_VISIBLE + 3.0
"""Seconds after which everything must have settled once all peers are fine."""

SHORTEST_LIFE, LONGEST_LIFE = 0.2, 12.0


@frozen
class Outcome:
    """What a chaos run did and what came of it."""

    verdict: Verdict
    kills: int
    torn: int
    answers: Counter[str]
    runs: Counter[str]


@define
class Storm:
    """`rounds` kills, all else decided by the `seed`; `life` are the mean seconds between kills."""

    directory: Path
    rounds: int
    seed: int
    life: float = 3.5
    peers: tuple[ChaosPeer, ...] = field(
        factory=lambda: (ChaosPeer("string"), ChaosPeer("object"), ChaosPeer())
    )
    _random: Random = field(init=False)
    _victim: Victim = field(init=False)
    _calm_since: float = float("inf")

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)
        self._victim = Victim(self.directory, Random(self.seed))

    @property
    def _journal(self) -> Path:
        return self.directory / "journal"

    async def run(self) -> Outcome:
        """Do it all and return what came of it."""
        self._journal.mkdir()
        async with trio.open_nursery() as peers:
            for peer in self.peers:
                peers.start_soon(peer.live)
            urls = [peer.url for peer in self.peers]
            quiet = self.directory / "quiet"
            service.write(self.directory, urls, self.seed, self._journal, quiet)
            try:
                async with trio.open_nursery() as climate:
                    climate.start_soon(self._change_weather)
                    await self._kill_again_and_again()
                    climate.cancel_scope.cancel()
                await self._let_it_settle(quiet)
            finally:
                if self._victim.process is not None:
                    self._victim.process.kill()
                    self._victim.process.wait()
            ended = time.time()
            peers.cancel_scope.cancel()
        return self._outcome(ended)

    async def _kill_again_and_again(self) -> None:
        for _ in range(self.rounds):
            self._victim.start()
            span = self._random.expovariate(1 / self.life)
            await trio.sleep(min(max(span, SHORTEST_LIFE), LONGEST_LIFE))
            in_commit = self._random.random() < 0.7
            # In a thread: the peers must go on answering.
            await trio.to_thread.run_sync(partial(self._victim.kill, in_commit=in_commit))

    async def _change_weather(self) -> None:
        # Outages outlive several lives, the first and many others a report.
        is_outage, seconds = True, 6.0 * self.life
        while True:
            for peer in self.peers:
                peer.change(self._random.choice(UNREACHABLE) if is_outage else self._weather())
            await trio.sleep(seconds)
            is_outage = self._random.random() < 0.4
            longest = 4.5 if is_outage else 2.5
            seconds = self._random.uniform(0.2, longest) * self.life

    def _weather(self) -> Weather:
        kinds = self._random.choice((REACHABLE, REACHABLE, UNSURE, UNREACHABLE, (FINE,)))
        return self._random.choice(kinds)

    async def _let_it_settle(self, quiet: Path) -> None:
        await trio.Path(quiet).touch()
        for peer in self.peers:
            peer.change(FINE)
        self._victim.start()
        self._calm_since = time.time()
        await trio.sleep(CALM)
        await trio.to_thread.run_sync(self._victim.stop)

    def _keep_histories(self) -> None:
        for number, peer in enumerate(self.peers):
            lines = (json.dumps(asdict(post)) for post in peer.history.posts)
            path = self.directory / f"peer-{number}.jsonl"
            path.write_text("\n".join(lines), encoding="utf-8")

    def _outcome(self, ended: float) -> Outcome:
        journals = {path.stem: read_journal(path) for path in sorted(self._journal.iterdir())}
        self._keep_histories()
        truth = establish(journals, self._victim.lives, service.HYSTERESIS)
        truth.broken += self._victim.strange + self._faults_of_the_ledger()
        trial = Trial(
            truth=truth,
            histories=[peer.history for peer in self.peers],
            min_visible=service.MIN_VISIBLE,
            report_lifetime=service.REPORT_LIFETIME,
            calm_since=self._calm_since,
            ended=ended,
            refused=service.REFUSED,
            hopeless=service.HOPELESS,
        )
        answers = sum((peer.answers for peer in self.peers), Counter[str]())
        runs = Counter(
            committed=truth.committed,
            not_committed=truth.free,
            committed_but_never_logged=truth.unlogged,
        )
        return Outcome(
            verdict=judge(trial),
            kills=self.rounds,
            torn=self._victim.torn,
            answers=answers,
            runs=runs,
        )

    def _faults_of_the_ledger(self) -> list[str]:
        faults = [str(path.name) for path in self._victim.ledger.parent.glob("*corrupt*")]
        try:
            with closing(sqlite3.connect(self._victim.ledger)) as connection:
                (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            verdict = str(error)
        return faults if verdict == "ok" else [*faults, f"the ledger: {verdict}"]
