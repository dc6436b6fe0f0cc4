"""Watches Linux software RAID (md): lost and failed members, rebuilds, sectors that differ.

Coming from Telegraf: `mdstat`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from attrs import field, frozen

from checks._common.durations import MINUTE, span, stepped
from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.validators import is_not_negative, not_blank, only_for_each, unique
from checks._devices import md_arrays, remembered
from checks._devices.md_arrays import REBUILDS, Array, Progress
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Limit,
    Measurement,
    Observation,
    probe,
    upper_limit,
)

EACH = "*"
"""The name that stands for each array that has members."""

DEVICES = Path("/dev")
"""Where names such as md/root are links to the device of an array."""

CHECKED_LEVELS = frozenset({"raid4", "raid5", "raid6"})
"""The levels on which sectors that differ are wrong in any case.

On the others a page of swap that changed while it was written may differ and do no harm.
"""

STATES = {
    "broken": "is broken: it has lost a member that it needs",
    "inactive": "was not started; it may have too few members",
    "clear": "has no members",
}
"""The states in which an array stores nothing, in words."""

PERCENT_STEP = 5
"""In messages, progress goes up in such steps, so that they seldom change."""


@frozen
class WatchedArray:
    """One array, or each, and how it must be."""

    name: str = field(
        default=EACH,
        validator=not_blank("write for example 'md0' or '*'"),
        metadata={
            "help": "its device: md0, or /dev/md/NAME; *: each array of this host",
            "example": '"md0"',
        },
    )
    except_: tuple[str, ...] = field(
        default=(),
        validator=only_for_each("name"),
        metadata={"help": "devices that * does not stand for: md9", "example": '["md9"]'},
    )
    max_mismatches: Limit[int] | None = limit_field(
        upper_limit,
        "fires when more sectors differ; default: 0 of raid4, raid5 and raid6",
        is_not_negative,
    )
    event_type: str = event_type_field("E", "when it is degraded, stopped or missing")

    @property
    def is_each(self) -> bool:
        """Whether it stands for each array that no other entry names."""
        return self.name == EACH

    @property
    def device(self) -> str:
        """The name of the device. Blocks, since a name may be a link."""
        return os.path.basename(os.path.realpath(DEVICES / self.name))

    def mismatch_limit(self, array: Array) -> Limit[int] | None:
        """Return how many sectors may differ. None: any number."""
        default = Limit.of(0) if array.level in CHECKED_LEVELS else None
        return self.max_mismatches if self.max_mismatches is not None else default

    def stands_for(self, array: Array) -> bool:
        """Return whether `*` stands for an array. One that was stopped may leave an empty shell."""
        is_excepted = any(fnmatchcase(array.name, each) for each in self.except_)
        return array.state != "clear" and not is_excepted

    def read(self, named: Collection[str]) -> Iterator[tuple[WatchedArray, Array | None]]:
        """Yield it with each array that it stands for. None: what it names is not there.

        `*` does not stand for devices that are `named`. Blocks, and raises `OSError`.
        """
        if not self.is_each:
            yield self, md_arrays.read(self.device)
            return
        for name in md_arrays.names():
            found = None if name in named else md_arrays.read(name)
            if found is not None and self.stands_for(found):
                yield self, found


@frozen
class Params:
    """Which arrays."""

    arrays: tuple[WatchedArray, ...] = field(
        default=(WatchedArray(),),
        validator=unique(lambda watched: watched.name, remedy="keep one of them"),
        metadata={
            "help": "the arrays to look at; default: all of this host",
            "named_by": ("name",),
        },
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each array that is not whole. The state keeps which members it had."""
    try:
        found = await probe("read of the RAID arrays", partial(_read, params.arrays))
    except OSError as error:
        raise CheckFailed(f"cannot read the arrays in {md_arrays.BLOCK}: {error}") from error
    known = remembered.recalled(context.state.get("members"))
    observed: list[Observation] = []
    members: dict[str, list[str]] = {}
    for watched, array in found:
        name = watched.name if array is None else array.name
        members[name] = known.get(name, [])
        if array is None:
            message = f"there is no array {shown(name)}"
            observed.append(Condition("Raid missing", watched.event_type, shown(name), message))
            continue
        if not array.is_stopped and not array.degraded:
            members[name] = [each.name for each in array.members if each.is_used]
        observed += [*_measured(watched, array), *_conditions(watched, array, members[name])]
    context.state["members"] = remembered.kept(members)
    return [Measurement("raid_arrays", len(found)), *observed]


def _read(watched: Sequence[WatchedArray]) -> list[tuple[WatchedArray, Array | None]]:
    named = frozenset(each.device for each in watched if not each.is_each)
    return [pair for each in watched for pair in each.read(named)]


def _measured(watched: WatchedArray, array: Array) -> Iterator[Measurement]:
    labels, limit = {"array": shown(array.name)}, watched.mismatch_limit(array)
    yield Measurement("raid_missing_members", array.degraded, labels=labels)
    yield Measurement("raid_failed_members", len(array.failed), labels=labels)
    limits = limit.numbers if limit else ()
    yield Measurement("raid_mismatches", array.mismatches, labels=labels, limits=limits)
    if array.progress is not None and array.progress.percent is not None:
        percent, action = round(array.progress.percent, 1), shown(array.progress.action)
        yield Measurement("raid_sync_percent", percent, "%", {**labels, "action": action})


def _conditions(
    watched: WatchedArray, array: Array, past_members: Collection[str]
) -> Iterator[Condition]:
    name = shown(array.name)
    title = f"{name} ({shown(array.level)})" if array.level else name
    restored = _restored(array.progress) if array.progress is not None else ""
    if array.is_stopped:
        yield Condition("Raid stopped", watched.event_type, name, f"{title} {STATES[array.state]}")
    elif array.degraded:
        left = f"has {max(array.disks - array.degraded, 0)} of {counted(array.disks, 'member')}"
        lost = "".join(
            f"; {each}"
            for each in (_lost(array, past_members), restored and f"it {restored}")
            if each
        )
        yield Condition("Raid degraded", watched.event_type, name, f"{title} {left}{lost}")
    for failed in array.failed:
        message = f"{shown(failed)} has failed in {title}; the kernel does not use it any more"
        yield Condition("Raid member failed", "W", f"{name} {shown(failed)}", message)
    if restored:
        yield Condition("Raid rebuilding", "W", name, f"{title} {restored}")
    limit = watched.mismatch_limit(array)
    if limit and (crossing := limit.above(array.mismatches, "W")):
        message = (
            f"{title} had {counted(array.mismatches, 'sector')} that differed when it was last "
            f"checked (limit {limit.words()})"
        )
        yield crossing.condition("Raid mismatches", name, message)


def _lost(array: Array, past_members: Collection[str]) -> str:
    """Return which members have failed, and which have disappeared."""
    failed = [f"{shown(each)} has failed" for each in array.failed]
    gone = sorted(set(past_members) - {each.name for each in array.members})
    return ", ".join([*failed, *(f"{shown(each)} is gone" for each in gone)])


def _restored(progress: Progress) -> str:
    """Return how far an array is restored. Empty: it is only checked."""
    verb = REBUILDS.get(progress.action)
    if verb is None:
        return ""
    if progress.percent is None:
        return f"{verb}, after another array on the same disks"
    done = int(progress.percent // PERCENT_STEP * PERCENT_STEP)
    left = stepped(progress.seconds_left or 0)
    return f"{verb}, {done} % done" + (f", about {span(left)} left" if left >= MINUTE else "")
