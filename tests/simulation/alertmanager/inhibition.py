"""Alerts that mute others while they fire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.matcher import Matcher, all_match


@frozen
class InhibitRule:
    """While an alert that the source matchers match fires, those of the target are muted."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    """Labels whose values must be the same in both."""

    def inhibitor(self, labels: Mapping[str, str], firing: Iterable[Alert]) -> Alert | None:
        """Return an alert that mutes these labels."""
        if not all_match(self.target, labels):
            return None
        # An alert that is source and target is not muted by another one that is both.
        is_both = all_match(self.source, labels)
        for alert in firing:
            other = alert.series.labels
            if (
                all_match(self.source, other)
                and all(other.get(name, "") == labels.get(name, "") for name in self.equal)
                and not (is_both and all_match(self.target, other))
            ):
                return alert
        return None
