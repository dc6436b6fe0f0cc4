"""Watches network interfaces: link, speed, members of bonds and bridges, errors and traffic.

Coming from Monit: `check network`; Icinga: `interfaces`, `interfacetable`, `iftraffic`; Telegraf:
`net`, `bond`, `ethtool`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from attrs import field, frozen

from checks._common.printable import shown
from checks._common.validators import is_not_empty, unique
from checks._devices import interfaces, remembered, traffic
from checks._devices.interfaces import Interface
from checks._devices.membership import Membership
from checks._devices.traffic import Sample
from checks._devices.verdict import Verdict
from checks._devices.watched import EACH, WatchedInterface
from supervisor.api import CheckFailed, Condition, Context, Observation, probe

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Another text after each start of the host."""

MAX_COUNTED = 100
"""The most interfaces whose counters are kept, since a state must stay small."""


@frozen
class Params:
    """Which interfaces."""

    interfaces: tuple[WatchedInterface, ...] = field(
        validator=[is_not_empty, unique(lambda watched: watched.name, remedy="keep one of them")],
        metadata={"help": "the interfaces to look at"},
    )


@frozen
class Reading:
    """What was read in one run."""

    boot: str
    """Which start of the host this is."""

    at: float
    """Seconds since that start. No clock that is set moves them."""

    found: tuple[tuple[WatchedInterface, Interface | None], ...]
    """Each entry with its interface; `*` is there once for each that it stands for."""

    @classmethod
    def take(cls, watched: Sequence[WatchedInterface]) -> Reading:
        """Read the interfaces; blocks. Raises `OSError`."""
        named = frozenset(each.name for each in watched if not each.is_each)
        boot = BOOT_ID.read_text(encoding="ascii").strip()
        # Those with a name of their own come first: their counters are kept.
        ordered = sorted(watched, key=lambda each: each.is_each)
        found = tuple(pair for each in ordered for pair in each.read(named))
        return cls(boot, time.clock_gettime(time.CLOCK_BOOTTIME), found)

    def sample(self) -> Sample:
        """Return what the interfaces have counted."""
        present = [found for _, found in self.found if found is not None]
        return traffic.sample(self.at, present, MAX_COUNTED)


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return which interfaces are not there, and what cannot be judged of the others."""
    try:
        reading = await probe("read of the interfaces", partial(Reading.take, params.interfaces))
    except (OSError, ValueError) as error:
        return [f"cannot read the interfaces in {interfaces.NET}: {error}; mount sysfs there"]
    wrong = []
    for watched, found in reading.found:
        entry = f"interfaces[{params.interfaces.index(watched)}]"
        if found is None:
            missing = f"there is no interface {shown(watched.name)} here; correct the name"
            wrong.append(f"{entry}.name: {missing}")
        else:
            wrong += [
                f"{entry}.{key}: the kernel tells no {what} of {found.title}; leave {key} out"
                for key, what in Verdict(watched, found, Membership(found)).unknown()
            ]
    return wrong


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each interface that is not as it must be.

    The state keeps what the interfaces have counted, and which members they had.
    """
    try:
        reading = await probe("read of the interfaces", partial(Reading.take, params.interfaces))
    except (OSError, ValueError) as error:
        raise CheckFailed(f"cannot read the interfaces in {interfaces.NET}: {error}") from error
    state = context.state
    same_boot = state.get("boot") == reading.boot
    samples = traffic.load(state.get("samples"), reading.at) if same_boot else []
    before, now = traffic.base(samples, reading.at), reading.sample()
    past_members = remembered.recalled(state.get("members"))
    observed: list[Observation] = []
    members: dict[str, list[str]] = {}
    for watched, found in reading.found:
        if found is None:
            observed.append(_missing(watched))
            members[watched.name] = past_members.get(watched.name, [])
            continue
        membership = Membership(found, watched.members, past_members.get(found.name, ()))
        rates = traffic.rates(before, now, found.name)
        observed += Verdict(watched, found, membership, rates).observations()
        if watched.members is not None:
            members[found.name] = membership.to_remember
    observed += _too_many(reading)
    state.clear()
    state["boot"] = reading.boot
    state["samples"] = traffic.dump(traffic.kept(samples, now))
    state["members"] = remembered.kept(members)
    return observed


def _missing(watched: WatchedInterface) -> Condition:
    message = f"there is no interface {shown(watched.name)}"
    return Condition("Interface missing", watched.event_type, shown(watched.name), message)


def _too_many(reading: Reading) -> Iterable[Condition]:
    """Yield a condition when limits of `*` on errors or traffic are not judged for all."""
    each = [watched for watched, _ in reading.found if watched.is_each]
    if len(reading.found) > MAX_COUNTED and any(watched.needs_rates for watched in each):
        message = (
            f"{EACH} stands for {len(each):,} interfaces; errors, drops and traffic of the first "
            f"{MAX_COUNTED} interfaces alone are judged; name those of less interest in except"
        )
        yield Condition("Too many interfaces", "W", EACH, message)
