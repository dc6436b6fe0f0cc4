"""The task that tells somebody when no Alertmanager takes what is owed.

It waits for its due time. A sender wakes it when a post fails, and when one passes in an outage.
What it has told is in the ledger before it counts, as the cursor of a peer is. See
docs/reference/fallback.md for the rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from logging import getLogger

import trio
from attrs import define, evolve, field

from supervisor.alerts.alert import NO_RECORD, SUPERVISOR, Alert
from supervisor.config.fallback.fallback import Fallback
from supervisor.delivery.fallback.channels import FindSender, channels
from supervisor.delivery.fallback.owed import owed
from supervisor.delivery.fallback.record import Attempt, Record
from supervisor.delivery.fallback.result import Result
from supervisor.delivery.fallback.tally import Tally
from supervisor.delivery.fallback.timetable import Timetable
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.host.clock import MIN_STEP, Clock
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.messages import FALLBACK, Message, Remember
from supervisor.text import seconds

_log = getLogger("supervisor.fallback")


@define(eq=False, repr=False, kw_only=True)
class LastResort:
    """Sends the messages of one service by its channels."""

    settings: Fallback
    """The table `[fallback]` that is in force. A reload replaces it."""

    outbox: Outbox
    """The alerts, and what the peers took of them."""

    peers: Callable[[], Sequence[PeerStatus]]
    """Returns what is known of the peers."""

    clock: Clock
    """The host's clock."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    waiting: WaitingSilences
    """Silences that no peer has taken yet. What they silence is not told."""

    find_sender: FindSender
    """Returns what sends messages on a channel."""

    record: Record = field(init=False)
    """What has been told."""

    tally: Tally = field(factory=Tally, init=False)
    """What was sent since the start, and what failed."""

    _busy: set[str] = field(factory=set, init=False)
    """Channels that send now."""

    _is_stirred: bool = field(default=False, init=False)
    """Whether something has happened since the last look."""

    _taken: Mapping[str, int] = field(init=False)
    """How many alerts each peer had taken at the last look."""

    _offset: float = field(init=False)
    """How far the wall clock is ahead of trio's."""

    def __attrs_post_init__(self) -> None:
        now = self.clock.now()
        kept = self.outbox.store.modules.get(SUPERVISOR, NO_RECORD).state.get(FALLBACK)
        # The clock may have been set back while no supervisor was running.
        self.record = Record.read(kept).moved(lambda at: min(at, now)).whole()
        self._taken = self._counts()
        self._offset = now - trio.current_time()

    @property
    def targets(self) -> dict[str, str]:
        """Where each channel leads, by its name."""
        return dict(channels(self.settings))

    @property
    def timetable(self) -> Timetable:
        """When messages are due."""
        service = self.outbox.store.service
        return Timetable.of(self.settings, service.service, service.labels.get("host", ""))

    def answered(self, taken: bool) -> None:
        """Wake the task if it must know how a post has ended."""
        if not taken or self.record.since is not None:
            self._stir()

    def reconfigure(self, settings: Fallback) -> None:
        """Go on with other settings. What could not be sent is tried again at once."""
        self.settings = settings
        for channel, told in self.record.channels.items():
            if told.attempt is not None:
                attempt = evolve(told.attempt, tries=0, refused=False)
                self.record = self.record.put(channel, evolve(told, attempt=attempt))
        self._stir()

    async def watch(self) -> None:
        """Send what is due, for as long as the supervisor lives."""
        async with trio.open_nursery() as sending:
            while True:
                self._is_stirred = False
                await self._look()
                now, later = self.clock.now(), math.inf
                for channel, due in self.due().items():
                    if due > now:
                        later = min(later, due)
                    elif self._is_certain(channel, now - due):
                        self._busy.add(channel)
                        sending.start_soon(self._tell, channel, name=f"fallback {channel}")
                if not self._is_stirred:
                    await self.clock.doze(later, self)

    def due(self) -> dict[str, float]:
        """Return when each channel sends its next message, in Unix seconds. Infinite: not at all.

        What fires may be gone, or a peer may answer, before that. What is sent now is left out.
        """
        names = [name for name in self.targets if name not in self._busy]
        since, timetable = self.record.since, self.timetable
        if since is None:
            ends = {name: self.record.of(name) for name in names}
            return {
                name: math.inf if told.owes_end_of is None else timetable.end_due(told)
                for name, told in ends.items()
            }
        if not self._each_peer_fails() or not any(self._owed()):
            return dict.fromkeys(names, math.inf)
        return {name: timetable.digest_due(since, self.record.of(name)) for name in names}

    def _stir(self) -> None:
        """Let the task look again: now if it sleeps, else before it does."""
        self._is_stirred = True
        self.clock.rouse(self)

    def _is_certain(self, channel: str, late: float) -> bool:
        """Return whether a message that was due `late` seconds ago is true now.

        A peer may answer again, and its sender does not know that before its next try. So each
        peer must have failed since the message was due. That takes one back-off at most. What is
        tried again soon was certain a moment ago.
        """
        attempt = self.record.of(channel).attempt
        if self.record.since is None or (attempt and attempt.tries and not attempt.refused):
            return True
        earliest = trio.current_time() - late
        return all(peer.failed_at >= earliest for peer in self.peers())

    async def _look(self) -> None:
        """Find out whether an outage begins or ends, and keep that."""
        await self._follow_clock()
        before, record = self._taken, self.record
        self._taken = self._counts()
        took = any(count > before.get(url, 0) for url, count in self._taken.items())
        if record.since is None:
            if self._each_peer_fails() and any(self._owed()):
                await self._keep(evolve(record, since=self.clock.now()))
                _say_what_waits(self.due().values(), self.clock.now())
        elif took or not (record.is_told or self.outbox.unconfirmed or any(self._owed())):
            await self._keep(record.ended(apart=self._busy))

    async def _tell(self, channel: str) -> None:
        """Send the message that is due. Keep before that it is tried, and then how that ended."""
        since, now = self.record.since, self.clock.now()
        told = self.record.of(channel)
        trying = told.next_try("end" if since is None else "digest", now)
        await self._keep(self.record.put(channel, told.trying(trying)))
        result = await self._send(channel, trying)
        self.tally.note(channel, trying, result)
        told = self.record.of(channel)
        if told.attempt is not None:  # its time has moved if the clock was set since
            trying = evolve(trying, tried_at=told.attempt.tried_at)
        told = told.after(trying, result.fate)
        if since is not None and self.record.since is None:  # a peer has answered since
            told = told.ended(since)
        await self._keep(self.record.put(channel, told))
        self._busy.discard(channel)
        self._stir()

    async def _send(self, channel: str, trying: Attempt) -> Result:
        """Send a message by a channel."""
        from supervisor.delivery.fallback import message  # most supervisors never send one

        service, now, peers = self.outbox.store.service, self.clock.now(), self.peers()
        if trying.kind == "digest":
            since = self.record.since or now
            text = message.digest(service, self._owed(), peers, since=since, now=now)
        else:
            since = self.record.of(channel).owes_end_of or now
            text = message.end(service, peers, since=since, now=now)
        identity = f"{trying.kind}.{trying.made_at * 1000:.0f}.{self.timetable.name}"
        return await self.find_sender(self.settings, channel)(text, identity)

    async def _keep(self, record: Record) -> None:
        """Make a record the present one, and wait until it is on disk if it can be written."""
        self.record = record
        message = Remember(FALLBACK, record.json())
        await self.send.send(message)
        await message.committed.wait()

    def _each_peer_fails(self) -> bool:
        """Return whether the last post to each peer has failed."""
        peers = self.peers()
        return bool(peers) and all(peer.state != "ok" for peer in peers)

    def _owed(self) -> Iterator[Alert]:
        """Return the alerts that somebody must still be told of."""
        return owed(self.outbox, self.settings.event_types, self.waiting, self.clock.now())

    def _counts(self) -> Mapping[str, int]:
        return {peer.url: peer.sent for peer in self.peers()}

    async def _follow_clock(self) -> None:
        """Move all times with the clock if it was set, and keep them: the next process wants them.

        A suspend of the host sets it, too.
        """
        offset = self.clock.now() - trio.current_time()
        step, self._offset = offset - self._offset, offset
        if abs(step) > MIN_STEP and self.record != Record():
            await self._keep(self.record.moved(lambda at: at + step))


def _say_what_waits(due: Iterable[float], now: float) -> None:
    """Log when somebody is told. `due` are the times of the channels."""
    first = min(due, default=math.inf)
    if first < math.inf:
        wait = seconds(max(0.0, first - now))
        _log.warning("no Alertmanager takes alerts; the fallback tells in %s", wait)
