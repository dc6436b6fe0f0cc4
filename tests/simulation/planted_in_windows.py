"""Faults that are planted in what maintenance windows hold. See `planted_faults`."""

from __future__ import annotations

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert, State
from supervisor.ledger.changes import Changes
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.transaction import Transaction
from supervisor.recorder import held
from supervisor.recorder.lifecycle import Lifecycle
from supervisor.schedule.windows import Window


def what_begins_in_a_window_is_told(patch: pytest.MonkeyPatch) -> None:
    """A condition is told while a window is open, as if it had fired before."""
    patch.setattr(held, "is_told", lambda *_: True)


def a_start_forgets_windows(patch: pytest.MonkeyPatch) -> None:
    """After a start, what was held fires."""
    restore = Outbox.restore

    def restored(outbox: Outbox, contents: Changes) -> None:
        for name, alert in contents.alerts.items():
            if alert is not None and alert.state is State.HELD:
                contents.alerts[name] = evolve(alert, state=State.FIRING, ends_at=None)
        restore(outbox, contents)

    patch.setattr(Outbox, "restore", restored)


def a_held_start_is_replaced(patch: pytest.MonkeyPatch) -> None:
    """What was held is told as if it had begun when the window let it go."""
    look_at_held = Lifecycle.look_at_held

    def look(self: Lifecycle, alert: Alert) -> None:
        look_at_held(self, evolve(alert, starts_at=self.transaction.now))

    patch.setattr(Lifecycle, "look_at_held", look)


def nothing_settles(patch: pytest.MonkeyPatch) -> None:
    """What is held is let go when the work ends."""
    patch.setattr(Window, "settled", property(lambda self: self.end))


def what_came_and_went_is_told(patch: pytest.MonkeyPatch) -> None:
    """What is gone before the window has settled is told after it all the same."""
    patch.setattr(Transaction, "end_unseen", lambda *_: None)


def reports_are_not_held(patch: pytest.MonkeyPatch) -> None:
    """A report is sent while a window is open."""
    patch.setattr(held, "window_of_reports", lambda *_: None)


def a_window_holds_for_ever(patch: pytest.MonkeyPatch) -> None:
    """What is held is not told after the window."""
    patch.setattr(Lifecycle, "look_at_held", lambda *_: None)
