"""What each peer took of each alert.

Each sender writes the cursors of its own peer. They reach the ledger with the next commit. If a
cursor is lost, an alert is sent once more, and its end may be told `min_visible` later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from attrs import define, evolve, field

from supervisor.alerts import timing
from supervisor.alerts.alert import NO_CURSOR, Alert, Cursor, State
from supervisor.config.current import CurrentConfig


@define(eq=False, repr=False)
class Cursors:
    """The cursors of all configured peers, and which of them the ledger does not have yet."""

    config: CurrentConfig
    """The configuration in force."""

    known: dict[str, dict[str, Cursor]] = field(factory=dict)
    """The cursors by peer, then by fingerprint."""

    _unsaved: set[tuple[str, str]] = field(factory=set)
    """Peer and fingerprint of each cursor that must be written or removed."""

    @property
    def has_unsaved(self) -> bool:
        """Whether the next commit has cursors to write."""
        return bool(self._unsaved)

    def get(self, peer: str, fingerprint: str) -> Cursor | None:
        """Return what one peer took of an alert."""
        return self.known.get(peer, {}).get(fingerprint)

    def of(self, fingerprint: str) -> Iterator[Cursor | None]:
        """Yield what each configured peer took of an alert."""
        return (self.get(peer, fingerprint) for peer in self.config.peers)

    def was_taken(self, alert: Alert) -> bool:
        """Return whether any peer took this episode as firing, or this report in time."""
        return timing.was_taken(alert, self.of(alert.fingerprint), self.config.service)

    def is_too_late(self, report: Alert, now: float) -> bool:
        """Return whether it is too late to send a report with the end that it has."""
        return timing.is_too_late(report, self.was_taken(report), now, self.config.service)

    def everyone_has(self, alert: Alert) -> bool:
        """Return whether every peer took the present version."""
        return all(
            cursor is not None and cursor.version == alert.version
            for cursor in self.of(alert.fingerprint)
        )

    def is_rejected(self, alert: Alert) -> bool:
        """Return whether a peer refuses the present version."""
        return any(
            cursor is not None and cursor.rejected == alert.version
            for cursor in self.of(alert.fingerprint)
        )

    def was_rejected(self, alert: Alert) -> bool:
        """Return whether a peer refused what it was sent last of this alert.

        It may have been sent an older version. Whether the present one is refused is not known yet.
        """
        return any(
            cursor is not None and cursor.rejected > cursor.version
            for cursor in self.of(alert.fingerprint)
        )

    def pending(self, peer: str, alerts: Iterable[Alert]) -> list[Alert]:
        """Return the alerts whose present version the peer neither took nor refused."""
        known = self.known.get(peer, {})
        return [
            alert
            for alert in alerts
            if alert.state is not State.HELD
            and (
                (cursor := known.get(alert.fingerprint)) is None
                or alert.version not in (cursor.version, cursor.rejected)
            )
        ]

    def put(self, peer: str, fingerprint: str, cursor: Cursor) -> None:
        """Write a cursor."""
        self.known.setdefault(peer, {})[fingerprint] = cursor
        self._unsaved.add((peer, fingerprint))

    def reject(self, peer: str, fingerprint: str, version: int) -> None:
        """Note that the peer refuses this version."""
        cursor = self.get(peer, fingerprint) or NO_CURSOR
        self.put(peer, fingerprint, evolve(cursor, rejected=version))

    def forget(self, peer: str, fingerprint: str) -> None:
        """Delete a cursor whose alert is gone."""
        self.known.get(peer, {}).pop(fingerprint, None)
        self._unsaved.add((peer, fingerprint))

    def forget_alert(self, fingerprint: str) -> None:
        """Delete all cursors of an alert that is gone."""
        for peer, known in self.known.items():
            if fingerprint in known:
                self.forget(peer, fingerprint)

    def forget_other_peers(self) -> None:
        """Delete the cursors of peers that are no longer configured."""
        for peer in self.known.keys() - set(self.config.peers):
            self._unsaved |= {(peer, fingerprint) for fingerprint in self.known.pop(peer)}

    def restore(self, stored: dict[tuple[str, str], Cursor | None]) -> None:
        """Set what the ledger holds. None stands for a cursor whose alert is gone."""
        for (peer, fingerprint), cursor in stored.items():
            if cursor is None:
                self.forget(peer, fingerprint)
            else:
                self.known.setdefault(peer, {})[fingerprint] = cursor

    def take_unsaved(self) -> dict[tuple[str, str], Cursor | None]:
        """Return what has changed since the last call. None stands for a deleted cursor."""
        unsaved = {
            (peer, fingerprint): self.get(peer, fingerprint) for peer, fingerprint in self._unsaved
        }
        self._unsaved.clear()
        return unsaved

    def contents(self) -> dict[tuple[str, str], Cursor | None]:
        """Return all cursors, as a commit writes them."""
        return {
            (peer, fingerprint): cursor
            for peer, known in self.known.items()
            for fingerprint, cursor in known.items()
        }

    def forget_future(self, now: float, reports: Container[str]) -> None:
        """Forget each time that lies in the future, since the clock was set back.

        `reports` are the fingerprints of reports. Their ends are fixed.
        """
        latest = now + timing.LIFETIMES * self.config.service.resend_interval
        for peer, known in self.known.items():
            for fingerprint, cursor in [*known.items()]:
                if cursor.sent_at > now or (cursor.held_since or 0) > now:
                    held = None if cursor.held_since is None else min(cursor.held_since, now)
                    is_report = fingerprint in reports
                    ends_at = cursor.ends_at if is_report else min(cursor.ends_at, latest)
                    moved = evolve(cursor, sent_at=0.0, ends_at=ends_at, held_since=held)
                    self.put(peer, fingerprint, moved)

    def shift_times(self, step: float, conditions: Container[str]) -> set[str]:
        """Move the times at which peers took conditions, since the clock was set.

        `step` is in seconds. Afterwards each peer has held each alert for as long as before. A
        step ahead may be a suspend, and then the peers' clocks went on. So no end is moved ahead.
        Returns the fingerprints of the cursors that were moved.
        """
        moved = set()
        for peer, known in self.known.items():
            for fingerprint, cursor in [*known.items()]:
                if cursor.held_since and fingerprint in conditions:
                    held = cursor.held_since + step
                    ends_at = cursor.ends_at + min(0.0, step)
                    self.put(peer, fingerprint, evolve(cursor, held_since=held, ends_at=ends_at))
                    moved.add(fingerprint)
        return moved


def advanced(
    cursor: Cursor | None, alert: Alert, *, sent_at: float, ends_at: float, shift: float, now: float
) -> Cursor:
    """Return the new cursor of a peer that took an alert.

    `sent_at` and `ends_at` say when and with which end the alert was sent.
    """
    held = cursor.held_since if cursor and cursor.episode == alert.episode else None
    lapsed = cursor is not None and cursor.ends_at < sent_at
    if (held is None or lapsed) and alert.state is not State.RESOLVED:
        held = now
    return Cursor(
        version=alert.version,
        episode=alert.episode,
        sent_at=sent_at,
        ends_at=ends_at,
        held_since=held,
        shift=shift if alert.state is State.REPORT else None,
        rejected=cursor.rejected if cursor else 0,
    )
