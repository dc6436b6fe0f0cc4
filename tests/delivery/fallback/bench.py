"""A bench for the fallback in virtual time: recorder, senders and peers, and scripted channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import trio
from attrs import define, evolve, field, frozen
from trio.testing import wait_all_tasks_blocked

from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.delivery.fallback.channels import Send
from supervisor.delivery.fallback.last_resort import LastResort
from supervisor.delivery.fallback.message import Message
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.delivery.replies import Answer
from supervisor.observations import Condition, Observation
from tests.support.fake_client import BUSY, OK
from tests.support.recorder_bench import RecorderBench, full

MAIL = FallbackMail("mail.example.invalid:465", "m@example.invalid", ("a@example.invalid",))
COMMAND = FallbackCommand(("/usr/local/bin/sms",))
AFTER, EVERY = 600.0, 3600.0
SENT = Result(Fate.SENT)

BACKOFF = 60.0
"""Seconds that a sender waits at most before it tries again."""

OFTEN = 0.02
"""The jitter with which a sender tries again each 1.2 s."""


def error(instance: str = "/", message: str = "it is full") -> Condition:
    """Return a condition that is worth a message of the fallback."""
    return full(instance, message, event_type="E")


@frozen
class Sent:
    """One message that a channel was given."""

    at: float
    """Seconds since the start."""

    channel: str
    subject: str
    text: str
    identity: str

    @property
    def kind(self) -> str:
        return self.identity.partition(".")[0]


@define
class FallbackBench:
    """The pipeline of a service that has a fallback."""

    bench: RecorderBench
    settings: Fallback
    last_resort: LastResort = field(init=False)

    respond: Callable[[Sent], Result] = lambda _sent: SENT
    """Returns what becomes of a message."""

    seconds: float = 0.5
    """How long a channel takes."""

    sent: list[Sent] = field(factory=list)
    """All that the channels were given."""

    ended: list[tuple[Sent, Result]] = field(factory=list)
    """What became of each of them. What a kill has ended is not here."""

    _life: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends the fallback, as `kill -9` does."""

    @classmethod
    def make(cls, *urls: str, resend: float = 60.0, **changes: Any) -> Self:
        settings = Fallback(**{"mail": MAIL, **changes})
        bench = RecorderBench.make(*urls, resend=resend)
        config = bench.store.config
        config.service = evolve(config.service, fallback=settings)
        return cls(bench, settings)

    @classmethod
    async def started(
        cls, nursery: trio.Nursery, *urls: str, jitter: float = 1.0, **settings: Any
    ) -> Self:
        """Return a bench with these peers that runs."""
        bench = cls.make(*urls, **settings)
        bench.bench.jitter = jitter
        await bench.live(nursery)
        return bench

    @property
    def digests(self) -> list[Sent]:
        return [each for each in self.sent if each.kind == "digest"]

    @property
    def ends(self) -> list[Sent]:
        return [each for each in self.sent if each.kind == "end"]

    @property
    def spread(self) -> float:
        return self.last_resort.timetable.spread

    async def live(self, nursery: trio.Nursery) -> None:
        """Start all."""
        nursery.start_soon(self.bench.clock.watch)
        await self.restart(nursery)
        self.bench.answered = lambda taken: self.last_resort.answered(taken)
        await self.bench.live(nursery)

    async def restart(self, nursery: trio.Nursery) -> None:
        """End the fallback wherever it is, and begin another one with what was committed."""
        self._life.cancel()
        self._life = trio.CancelScope()
        self.last_resort = LastResort(
            settings=self.settings,
            outbox=self.bench.outbox,
            peers=lambda: tuple(self.bench.peers.values()),
            clock=self.bench.clock,
            send=self.bench.send,
            waiting=self.bench.waiting,
            find_sender=self.find_sender,
        )
        nursery.start_soon(self._live, self.last_resort, self._life)
        await wait_all_tasks_blocked()

    async def _live(self, last_resort: LastResort, life: trio.CancelScope) -> None:
        with life:
            await last_resort.watch()

    def peers_answer(self, answer: Answer = OK, *urls: str) -> None:
        for url, client in self.bench.clients.items():
            if url in urls or not urls:
                client.respond = lambda _post: answer

    def peers_fail(self, answer: Answer = BUSY) -> None:
        self.peers_answer(answer)

    async def see_alone(self, *observations: Observation) -> None:
        """Send a run that has seen this, while every peer fails from now on."""
        self.peers_fail()
        await self.bench.see(*observations)

    async def until(self, second: float) -> None:
        await self.bench.until(second)

    def find_sender(self, _settings: Fallback, channel: str) -> Send:
        async def send(message: Message, identity: str) -> Result:
            sent = Sent(self.bench.seconds(), channel, message.subject, message.text, identity)
            self.sent.append(sent)
            await trio.sleep(self.seconds)
            result = self.respond(sent)
            self.ended.append((sent, result))
            return result

        return send
