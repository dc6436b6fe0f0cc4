"""What is wrong with an interface, and what is measured of it. Pure. Used by `interface`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from attrs import frozen

from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.sizes import size
from checks._devices.interfaces import Interface
from checks._devices.traffic import Rates
from checks._devices.watched import WatchedInterface
from supervisor.api import Condition, Crossing, Limit, Measurement, Observation

MEGABIT = 1_000_000 / 8
"""Bytes. A speed of 1 Mbit/s carries as many in a second."""

WARNING = "W"
"""The event type of what a plain limit finds."""

MAX_LISTED = 10
"""The most members that a message names."""


@frozen
class Verdict:
    """One interface that is there, and how it is to be."""

    watched: WatchedInterface
    found: Interface

    rates: Rates | None
    """None: nothing is known of an earlier time."""

    past_members: Collection[str] = ()
    """The members that it had when it had enough."""

    @property
    def instance(self) -> str:
        """What its conditions are about."""
        return shown(self.found.name)

    @property
    def trouble(self) -> str:
        """Why it carries nothing. Empty: it does, or need not."""
        watched, found = self.watched, self.found
        if not found.is_up:
            return "is set down" if watched.up else ""
        if not watched.carrier or (watched.is_each and self._is_told_elsewhere):
            return ""
        return found.trouble

    @property
    def _is_told_elsewhere(self) -> bool:
        """Whether `*` says nothing of its link: its bond does, or it is a bridge of nothing."""
        found = self.found
        return found.is_of_bond or (found.kind == "bridge" and not found.members)

    @property
    def _carries(self) -> bool:
        """Whether it is set up and has a link, so that its speed is known."""
        return self.found.is_up and not self.found.trouble

    @property
    def _lost(self) -> dict[str, str]:
        """The members that carry nothing or are gone, each with the reason."""
        lost = {each.name: each.trouble for each in self.found.members if each.trouble}
        gone = set(self.past_members) - {each.name for each in self.found.members}
        return lost | dict.fromkeys(sorted(gone), "is not a member any more")

    @property
    def members_to_remember(self) -> list[str]:
        """The names of the members that it should have: all that it had when it had enough."""
        present = {each.name for each in self.found.members}
        return sorted(present if self._member_crossing is None else {*present, *self.past_members})

    @property
    def _member_crossing(self) -> Crossing | None:
        """What the number of members with a link is worth."""
        if self.watched.members is not None:
            return self.watched.members.below(self._good_members, WARNING)
        lost = [each for each in self.found.members if each.trouble]
        return Crossing(WARNING) if lost and self.found.kind == "bond" else None

    @property
    def _good_members(self) -> int:
        return sum(not each.trouble for each in self.found.members)

    @property
    def _use_percent(self) -> float | None:
        """The part of the speed that the busier way uses. None: it is not known."""
        rates, speed = self.rates, self.found.speed
        if rates is None or speed is None:
            return None
        both = rates.received + rates.sent
        used = both if self.found.duplex == "half" else max(rates.received, rates.sent)
        return 100 * used / (speed * MEGABIT)

    def observations(self) -> Iterator[Observation]:
        """Yield what is measured, and what is wrong."""
        yield from self._measured()
        if self.trouble:
            yield self._condition("Interface down", self.watched.event_type, self.trouble)
        found = (self._members(), *self._link(), *self._errors(), *self._traffic())
        yield from (each for each in found if each is not None)

    def _measured(self) -> Iterator[Measurement]:
        watched, found, rates = self.watched, self.found, self.rates
        yield self._measurement("interface_up", not found.trouble and found.is_up)
        if found.kind == "bond" or watched.members:
            yield self._measurement("interface_members", self._good_members, "", watched.members)
        if found.speed is not None:
            yield self._measurement("interface_speed", found.speed, "Mbit/s", watched.min_speed)
        if rates is None:
            return
        for name, value, unit, limit in (
            ("received", rates.received, "B/s", watched.max_bytes_per_second),
            ("sent", rates.sent, "B/s", watched.max_bytes_per_second),
            ("errors_per_minute", 60 * rates.errors, "", watched.max_errors_per_minute),
            ("drops_per_minute", 60 * rates.drops, "", watched.max_drops_per_minute),
            ("use_percent", self._use_percent, "%", watched.max_use_percent),
        ):
            if value is not None:
                yield self._measurement(f"interface_{name}", round(value, 1), unit, limit)

    def _measurement(
        self, name: str, value: float, unit: str = "", limit: Limit[Any] | None = None
    ) -> Measurement:
        limits = limit.numbers if limit is not None else ()
        labels = {"interface": self.instance}
        return Measurement(name, float(value), unit, labels, limits=limits)

    def _condition(self, alertname: str, event_type: str, text: str) -> Condition:
        return Condition(alertname, event_type, self.instance, f"{self.found.title} {text}")

    def _members(self) -> Condition | None:
        crossing, limit = self._member_crossing, self.watched.members
        if crossing is None:
            return None
        lost = [f"{shown(name)} {why}" for name, why in self._lost.items()]
        all_members = {*self._lost, *(each.name for each in self.found.members)}
        words = f" (limit {limit.words()})" if limit else ""
        more = f" and {len(lost) - MAX_LISTED} more" if len(lost) > MAX_LISTED else ""
        text = (
            f"has a link by {self._good_members} of {counted(len(all_members), 'member')}{words}: "
            f"{', '.join(lost[:MAX_LISTED]) or 'it has no others'}{more}"
        )
        message = f"{self.found.title} {text}"
        return crossing.condition("Interface members", self.instance, message)

    def _link(self) -> Iterator[Condition | None]:
        """Yield what is wrong with the link. An interface without one has its own condition."""
        watched, found = self.watched, self.found
        if not self._carries:
            return
        if watched.min_speed is not None and found.speed is not None:
            text = f"has a speed of {found.speed} Mbit/s"
            crossing = watched.min_speed.below(found.speed, WARNING)
            yield self._told("Interface speed", crossing, text, watched.min_speed)
        if watched.duplex and found.duplex and watched.duplex != found.duplex:
            text = f"has {found.duplex} duplex, expected {watched.duplex}"
            yield self._condition("Interface duplex", WARNING, text)
        if not watched.is_each:  # many of those have none
            yield from self._unknown()

    def _unknown(self) -> Iterator[Condition]:
        """Yield a condition for each limit on what the kernel does not tell."""
        watched, found = self.watched, self.found
        for key, limit, what, value in (
            ("min_speed", watched.min_speed, "speed", found.speed),
            ("max_use_percent", watched.max_use_percent, "speed", found.speed),
            ("duplex", watched.duplex, "duplex", found.duplex),
        ):
            if limit and not value:
                message = f"cannot judge {key}: the kernel tells no {what} of {found.title}"
                yield Condition("Value unreadable", "E", f"{self.instance} {key}", message)

    def _errors(self) -> Iterator[Condition | None]:
        if self.rates is None:
            return
        errors, drops = 60 * self.rates.errors, 60 * self.rates.drops
        text = f"has had {rounded(errors)} packets with errors a minute"
        yield self._above("Interface errors", errors, self.watched.max_errors_per_minute, text)
        text = f"has dropped {rounded(drops)} packets a minute"
        yield self._above("Interface drops", drops, self.watched.max_drops_per_minute, text)

    def _traffic(self) -> Iterator[Condition | None]:
        if self.rates is None:
            return
        received, sent = self.rates.received, self.rates.sent
        way, fastest = ("receives", received) if received >= sent else ("sends", sent)
        text = f"{way} {size(round(fastest))} a second"
        limit = self.watched.max_bytes_per_second
        yield self._above("Interface traffic", fastest, limit, text, size)
        if (percent := self._use_percent) is not None:
            text += f" and uses {percent:.0f} % of {self.found.speed} Mbit/s"
            yield self._above("Interface usage", percent, self.watched.max_use_percent, text)

    def _told(
        self,
        alertname: str,
        crossing: Crossing | None,
        text: str,
        limit: Limit[Any] | None,
        show: Callable[[Any], str] = "{:g}".format,
    ) -> Condition | None:
        """Return the condition of a value that has crossed its limit."""
        if crossing is None or limit is None:
            return None
        message = f"{self.found.title} {text} (limit {limit.words(show)})"
        return crossing.condition(alertname, self.instance, message)

    def _above(
        self,
        alertname: str,
        value: float,
        limit: Limit[Any] | None,
        text: str,
        show: Callable[[Any], str] = "{:g}".format,
    ) -> Condition | None:
        """Return the condition of a value that is above its limit."""
        crossing = limit.above(value, WARNING) if limit is not None else None
        return self._told(alertname, crossing, text, limit, show)


def rounded(rate: float) -> str:
    """Return a number of packets for a message: "0.4", "12", "1,200"."""
    return f"{rate:.1f}" if rate < 1 else f"{rate:,.0f}"
