"""Faults that are planted in the last resort. See `planted_faults`."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from attrs import evolve

from supervisor.delivery.fallback import owed
from supervisor.delivery.fallback.last_resort import LastResort
from supervisor.delivery.fallback.record import Attempt, ChannelRecord, Kind, Record
from supervisor.delivery.fallback.timetable import Timetable


def digests_come_too_often(patch: pytest.MonkeyPatch) -> None:
    """The next digest is due `after` the outage began, whenever the last one was sent."""
    due = Timetable.digest_due

    def soon(self: Timetable, since: float, told: ChannelRecord) -> float:
        return due(self, since, evolve(told, sent_at=None))

    patch.setattr(Timetable, "digest_due", soon)


def one_digest_is_all(patch: pytest.MonkeyPatch) -> None:
    """In an outage that was told, no further digest comes."""
    due = Timetable.digest_due

    def once(self: Timetable, since: float, told: ChannelRecord) -> float:
        return math.inf if told.knows else due(self, since, told)

    patch.setattr(Timetable, "digest_due", once)


def each_try_has_a_new_identity(patch: pytest.MonkeyPatch) -> None:
    """What is tried again is another message."""
    next_try = ChannelRecord.next_try

    def new(self: ChannelRecord, kind: Kind, now: float) -> Attempt:
        return evolve(next_try(self, kind, now), made_at=now)

    patch.setattr(ChannelRecord, "next_try", new)


def a_start_forgets_what_was_told(patch: pytest.MonkeyPatch) -> None:
    """After a start, nothing was sent before."""
    patch.setattr(Record, "read", classmethod(lambda cls, _kept: cls()))


def a_start_begins_the_outage_again(patch: pytest.MonkeyPatch) -> None:
    """After a start, an outage has lasted for no time."""
    read = Record.read.__func__  # type: ignore[attr-defined]  # the function of a class method

    def forgetful(cls: type[Record], kept: object) -> Record:
        record: Record = read(cls, kept)
        return evolve(record, since=None)

    patch.setattr(Record, "read", classmethod(forgetful))


def one_peer_that_fails_is_enough(patch: pytest.MonkeyPatch) -> None:
    """A digest is sent although a peer takes alerts."""

    def any_fails(self: LastResort) -> bool:
        return any(peer.state != "ok" for peer in self.peers())

    patch.setattr(LastResort, "_each_peer_fails", any_fails)
    patch.setattr(LastResort, "_is_certain", lambda *_: True)
    patch.setattr(LastResort, "_counts", lambda _self: {})


def what_was_notified_is_owed(patch: pytest.MonkeyPatch) -> None:
    """A digest tells of what a peer has notified of."""
    patch.setattr(owed, "_was_notified", lambda *_: False)


def the_end_is_told_again_and_again(patch: pytest.MonkeyPatch) -> None:
    """That a peer answers again stays owed."""
    after = ChannelRecord.after

    def still(self: ChannelRecord, attempt: Attempt, fate: Any) -> ChannelRecord:
        return evolve(after(self, attempt, fate), owes_end_of=self.owes_end_of)

    patch.setattr(ChannelRecord, "after", still)


def the_end_is_not_told(patch: pytest.MonkeyPatch) -> None:
    """That a peer answers again is not told."""
    patch.setattr(Timetable, "end_due", lambda *_: math.inf)


def a_clock_that_is_set_moves_nothing(patch: pytest.MonkeyPatch) -> None:
    """When the clock is set, the times of the last digests stay."""

    async def stay(_self: LastResort) -> None:
        await trio.lowlevel.checkpoint()

    patch.setattr(LastResort, "_follow_clock", stay)


PLANTS = (
    digests_come_too_often,
    one_digest_is_all,
    each_try_has_a_new_identity,
    a_start_forgets_what_was_told,
    a_start_begins_the_outage_again,
    one_peer_that_fails_is_enough,
    what_was_notified_is_owed,
    the_end_is_told_again_and_again,
    the_end_is_not_told,
    a_clock_that_is_set_moves_nothing,
)
"""All of them."""
