"""What each channel has sent since the start, and why it could not. Status and metrics show it."""

from __future__ import annotations

from collections import Counter
from logging import getLogger

from attrs import define, field

from supervisor.delivery.fallback.record import Attempt
from supervisor.delivery.fallback.result import Fate, Result

_log = getLogger("supervisor.fallback")


@define(eq=False, repr=False)
class Tally:
    """Counts what became of each try, and logs it."""

    sent: Counter[str] = field(factory=Counter)
    """Messages that were sent, by channel."""

    failed: Counter[str] = field(factory=Counter)
    """Tries that failed, by channel."""

    errors: dict[str, str] = field(factory=dict)
    """Why the last try failed, or who did not get the message, by channel."""

    def note(self, channel: str, attempt: Attempt, result: Result) -> None:
        """Note what became of a try. The same failure is logged once."""
        what = f"fallback {channel}"
        if result.fate is Fate.SENT:
            self.sent[channel] += 1
            said = "no Alertmanager answers" if attempt.kind == "digest" else "one answers again"
            _log.warning("%s: told that %s%s", what, said, result.why and f"; {result.why}")
        else:
            self.failed[channel] += 1
            if result.why != self.errors.get(channel):
                again = "later" if result.fate is Fate.REFUSED else "soon"
                _log.error("%s: cannot send: %s; tried again %s", what, result.why, again)
        self.errors[channel] = result.why
