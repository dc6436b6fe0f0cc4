"""What the outside was told before the cut: that is what the ledger must hold after it."""

from __future__ import annotations

import json
import re
from collections import Counter

from attrs import define, field

from tests.power_cut.story import CONDITION, REPORT

_FINISHED = re.compile(r"(\S+): (?:ok|conditions) in [0-9.]+ s")
"""The line of a finished run."""


@define
class Seen:
    """The supervisor's log, as far as it was written."""

    finished: Counter[str] = field(factory=Counter)
    """By module, how many of its runs were logged as finished."""

    events: dict[str, Counter[str]] = field(factory=dict)
    """By module, how often each event was logged."""

    strange: list[str] = field(factory=list)
    """Lines that must not be there."""

    _begun: bytes = b""
    """A line that has not ended yet."""

    def hear(self, output: bytes) -> None:
        """Take in what the process has printed."""
        *lines, self._begun = (self._begun + output).split(b"\n")
        for line in lines:
            self._read(line)

    def copy(self) -> Seen:
        """Return the same, for a process that goes on from a cut."""
        return Seen(Counter(self.finished), {name: Counter(x) for name, x in self.events.items()})

    def _read(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            self.strange.append(line.decode(errors="replace"))
            return
        if "traceback" in entry:
            self.strange.append(line.decode(errors="replace"))
        if match := _FINISHED.fullmatch(entry["message"]):
            self.finished[match[1]] += 1
        elif entry.get("alertname") in (CONDITION, REPORT):
            text = entry["message"].partition(": ")[2]
            found = self.events.setdefault(entry["module"], Counter())
            found[f"{entry['event']} {text}"] += 1
