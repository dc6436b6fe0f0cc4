"""What is wrong with an interface, and what is measured of it. Pure. Used by `interface`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from checks._common.printable import shown
from checks._common.sizes import size
from checks._devices.interfaces import Interface
from checks._devices.membership import WARNING, Membership
from checks._devices.traffic import Rates
from checks._devices.watched import WatchedInterface
from supervisor.api import Condition, Crossing, Limit, Measurement, Observation

MEGABIT = 1_000_000 / 8
"""Bytes. A speed of 1 Mbit/s carries as many in a second."""


@frozen
class Verdict:
    """One interface that is there, and how it is to be."""

    watched: WatchedInterface
    found: Interface
    membership: Membership

    rates: Rates | None = None
    """None: nothing is known of an earlier time."""

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
        members = self.membership.condition(self.instance)
        found = (members, *self._link(), *self._errors(), *self._traffic())
        yield from (each for each in found if each is not None)

    def _measured(self) -> Iterator[Measurement]:
        watched, found, rates = self.watched, self.found, self.rates
        yield self._measurement("interface_up", not found.trouble and found.is_up)
        if found.kind == "bond" or watched.members:
            yield self._measurement("interface_members", self.membership.good, "", watched.members)
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
        for key, what in self.unknown():
            message = f"cannot judge {key}: the kernel tells no {what} of {found.title}"
            yield Condition("Value unreadable", "E", f"{self.instance} {key}", message)

    def unknown(self) -> Iterator[tuple[str, str]]:
        """Yield each parameter that cannot be judged, with what the kernel does not tell.

        It tells nothing while there is no link. Many of those that `*` stands for have no speed.
        """
        watched, found = self.watched, self.found
        if watched.is_each or not self._carries:
            return
        if watched.min_speed is not None and not found.speed:
            yield "min_speed", "speed"
        if watched.max_use_percent is not None and not found.speed:
            yield "max_use_percent", "speed"
        if watched.duplex and not found.duplex:
            yield "duplex", "duplex"

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
    """Return a number of packets for a message: "0.04", "12", "1,200"."""
    return f"{rate:.2g}" if rate < 1 else f"{rate:,.0f}"
