"""Looks into a small ledger in memory: how large it is, and what had to go."""

from __future__ import annotations

from attrs import define, field

from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.ledger.store import Store
from tests.simulation.events import LedgerSeen

ROW = 400
"""Bytes that count for each alert beside its body."""


@define(eq=False)
class LedgerLook:
    """Compares the alerts with those of the last look."""

    store: Store
    _before: dict[str, Alert] = field(factory=dict)
    _lost: int = 0

    def __attrs_post_init__(self) -> None:
        self._lost = self.store.lost.total()

    def look(self, life: int, at: float, clock: float) -> LedgerSeen:
        """Return what there is, and what is gone since the last look."""
        now, before = dict(self.store.alerts), self._before
        self._before = now
        gone = (alert for name, alert in before.items() if name not in now)
        kept = {
            alert.state.value
            for name, alert in before.items()
            if name in now and now[name].state is alert.state and not _is_left_out(alert)
        }
        return LedgerSeen(
            life=life,
            at=at,
            size=sum(len(a.payload) + ROW for a in now.values() if not _is_own(a)),
            count=len(now),
            lost=self.store.lost.total() - self._lost,
            gone=tuple(
                (alert.state.value, alert.module, alert.alertname, alert.instance)
                for alert in gone
                if not _is_left_out(alert) and (alert.ends_at is None or alert.ends_at > clock)
            ),
            kept=tuple(sorted(kept)),
        )


def _is_left_out(alert: Alert) -> bool:
    """Return whether it tells nothing that an alert goes. What is held goes when it is over."""
    return _is_own(alert) or alert.state is State.HELD


def _is_own(alert: Alert) -> bool:
    """Return whether an alert is kept even if there is no room."""
    return alert.module == SUPERVISOR or alert.event_type == "TE"
