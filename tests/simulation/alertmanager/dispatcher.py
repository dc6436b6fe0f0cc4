"""Puts alerts into groups, and lets each group tick."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define, field

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.flush import Flush
from tests.simulation.alertmanager.group import Group
from tests.simulation.alertmanager.route import Node
from tests.simulation.alertmanager.series import Series
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.alertmanager.ticks import Ticks
from tests.simulation.alertmanager.timers import Timers

GroupKey = tuple[Node, tuple[tuple[str, str], ...]]

CLEAN_UP = 30.0
"""Seconds between two removals of empty groups."""


@define
class Dispatcher:
    """The groups of an Alertmanager."""

    _settings: Settings
    _timers: Timers
    _clean_ups: Ticks
    _send: Callable[[Flush], None]
    """Is given what is to be sent, and calls `finish` in the end."""
    _groups: dict[GroupKey, Group] = field(factory=dict)
    _places: dict[Series, tuple[GroupKey, ...]] = field(factory=dict)
    """The groups of each alert. They depend on its labels alone."""

    @classmethod
    def of(
        cls, settings: Settings, timers: Timers, now: float, send: Callable[[Flush], None]
    ) -> Dispatcher:
        """Return one that starts now."""
        return cls(settings, timers, Ticks(now, CLEAN_UP), send)

    def receivers(self, series: Series) -> list[str]:
        return [node.receiver.name for node, _ in self._places_of(series)]

    def insert(self, alert: Alert, now: float) -> None:
        """Put an alert into its groups."""
        for place in self._places_of(alert.series):
            group = self._groups.get(place)
            is_asked = group is None or self._settings.flushes_any_old_alert
            if group is None:
                node, labels = place
                group = self._groups[place] = Group(node, labels)
                self._tick_at(group, now + node.group_wait)
            group.alerts[alert.series] = alert
            if is_asked and not group.has_flushed and group.is_old(alert, now):
                self._tick_at(group, now)

    def finish(self, flush: Flush, now: float, *, succeeded: bool) -> None:
        """End a flush. What was resolved goes if all receivers were told."""
        group = flush.group
        group.is_busy = False
        if succeeded:
            group.forget(flush.over)
        if not group.alerts:
            self._release(group, now)
        if group.is_late and not group.is_gone:
            group.is_late = False
            self._tick_at(group, now)

    def _places_of(self, series: Series) -> tuple[GroupKey, ...]:
        places = self._places.get(series)
        if places is None:
            found = self._settings.tree.find(series.labels)
            places = tuple((node, node.group_labels(series.labels)) for node in found)
            self._places[series] = places
        return places

    def _tick_at(self, group: Group, at: float) -> None:
        group.next_tick = at
        self._timers.set(at, partial(self._tick, group))

    def _tick(self, group: Group, now: float) -> None:
        if group.is_gone or group.next_tick != now:
            return  # the timer was set to another time
        if group.is_busy:
            group.is_late = True
            return
        group.has_flushed = True
        self._tick_at(group, now + group.node.group_interval)
        if group.alerts:
            group.is_busy = True
            self._send(Flush.of(group, now))

    def _release(self, group: Group, now: float) -> None:
        """Let go of an empty group, at once or at the next clean-up."""
        if self._settings.keeps_empty_groups:
            self._timers.set(self._clean_ups.after(now), partial(self._clean_up, group))
        else:
            self._remove(group)

    def _clean_up(self, group: Group, _now: float) -> None:
        if not group.alerts and not group.is_gone:
            self._remove(group)

    def _remove(self, group: Group) -> None:
        group.is_gone = True
        del self._groups[(group.node, group.labels)]
