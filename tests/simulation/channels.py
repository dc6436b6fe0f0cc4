"""The ways on which a simulated last resort tells: nothing leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import trio
from attrs import define, field

from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.config.service import Service
from supervisor.delivery.fallback.channels import COMMAND, COMMAND_TIMEOUT, MAIL, MAIL_TIMEOUT, Send
from supervisor.delivery.fallback.message import Message
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.observations import Duration
from tests.simulation.chronicle import Chronicle
from tests.simulation.messages import FallbackRead, MessageBegan, MessageEnded, MessageTaken
from tests.simulation.scenario import LastResort
from tests.simulation.virtual_time import TrueTime

SERVER = FallbackMail("mail.example.invalid:465", "m@example.invalid", ("a@example.invalid",))
"""The mail server of each host that mails."""

PROGRAM = FallbackCommand(("/usr/local/bin/sms",))
"""The command of each host that has one. It is never run."""

TIMEOUTS = {MAIL: MAIL_TIMEOUT, COMMAND: COMMAND_TIMEOUT}
"""Seconds after which a channel that says nothing is given up."""

CHANNEL_WEATHER = {
    "channel_waits": "later",
    "channel_refuses": "refused",
    "channel_hangs": "hang",
    "channel_loses_answers": "taken, hang",
}
"""How a channel meets messages, by the name of the fault."""

LONGEST = 2.0
"""Seconds that a channel takes at most, if it does not hang."""

NAMED = "not told:"
"""The end of the line before the alerts of a digest."""

MORE = "- and "
"""The beginning of the line that counts the alerts that it does not name."""


def table_of(last_resort: LastResort | None) -> Fallback | None:
    """Return the table `[fallback]` as `load` would."""
    if last_resort is None:
        return None
    return Fallback(
        after=Duration(last_resort.after),
        every=Duration(last_resort.every),
        event_types=last_resort.event_types,
        mail=SERVER if MAIL in last_resort.channels else None,
        command=PROGRAM if COMMAND in last_resort.channels else None,
    )


def read_back(service: Service) -> LastResort | None:
    """Return what a service file says of it, as events tell it."""
    table = service.fallback
    if table is None:
        return None
    channels = ((MAIL, table.mail), (COMMAND, table.command))
    names = tuple(name for name, settings in channels if settings is not None)
    return LastResort(names, table.after, table.every, table.event_types)


@define(eq=False)
class Channels:
    """All channels of a host."""

    true: TrueTime
    chronicle: Chronicle
    random: Random

    is_used: bool
    """Whether any service file of the host has a fallback."""

    weather: dict[str, str] = field(factory=dict)
    """How a channel meets messages, by its name. What is not here is fine. See `_meet`."""

    def tell_read(self, life: int, service: Service) -> None:
        """Tell what a service file says that was just read."""
        if self.is_used:
            self.chronicle.tell(FallbackRead(life, self.true.now(), read_back(service)))

    def of_life(self, life: int, is_over: Callable[[], bool]) -> Callable[[Fallback, str], Send]:
        """Return what finds the channels for a life of the supervisor."""

        def find_sender(_settings: Fallback, channel: str) -> Send:
            return Channel(self, channel, life, is_over).send

        return find_sender


@define(eq=False)
class Channel:
    """One channel in one life of the supervisor."""

    all: Channels
    name: str
    life: int
    is_over: Callable[[], bool]
    """Whether the process has died. Nothing leaves it then."""

    async def send(self, message: Message, identity: str) -> Result:
        """Take a message, or do to it what bad channels do. Between any two steps may be a kill."""
        await trio.lowlevel.checkpoint()
        if self.is_over():
            await trio.sleep_forever()
        alerts = tuple(_named(message.text))
        self._tell(MessageBegan(self.name, self.life, self.all.true.now(), identity, alerts))
        result = await self._meet(identity)
        now = self.all.true.now()
        self._tell(MessageEnded(self.name, self.life, now, identity, result.fate.value))
        return result

    async def _meet(self, identity: str) -> Result:
        weather, began = self.all.weather.get(self.name, "fine"), trio.current_time()
        await trio.sleep(self.all.random.uniform(0.0, LONGEST / 2))
        if weather in ("fine", "taken, hang"):
            self._tell(MessageTaken(self.name, self.life, self.all.true.now(), identity))
        if weather in ("hang", "taken, hang"):
            await trio.sleep(began + TIMEOUTS[self.name] - trio.current_time())
            return Result(Fate.UNKNOWN, "it does not answer")
        await trio.sleep(self.all.random.uniform(0.0, LONGEST / 2))
        match weather:
            case "later":
                return Result(Fate.LATER, "not now")
            case "refused":
                return Result(Fate.REFUSED, "never")
        return Result(Fate.SENT)

    def _tell(self, event: MessageBegan | MessageTaken | MessageEnded) -> None:
        if not self.is_over():
            self.all.chronicle.tell(event)


def _named(text: str) -> Iterator[str]:
    """Yield the alerts that a digest names."""
    lines = iter(text.splitlines())
    if any(line.endswith(NAMED) for line in lines):
        for line in lines:
            if not line:
                return
            if line.startswith("- ") and not line.startswith(MORE):
                yield line.removeprefix("- ")
