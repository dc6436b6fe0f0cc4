"""Judges what a start finds after a cut, by the story and by what the outside was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from supervisor.alerts.alert import Alert, State
from supervisor.ledger.changes import Changes
from tests.power_cut import story
from tests.power_cut.recording import MODULES, Recording
from tests.power_cut.seen import Seen
from tests.power_cut.witness import identity

ROUNDING = 0.002
"""Seconds by which a time on the wire may differ from the one in the ledger."""


@frozen
class Judge:
    """Compares a ledger with the story."""

    recording: Recording

    def faults(self, found: Changes, seen: Seen, at: float) -> Iterator[str]:
        """Yield what is lost or invented. `at` is when the cut was, in nanoseconds of Unix time."""
        for module in MODULES:
            last = committed(found, module)
            logged = seen.finished[module]
            if last < logged:
                yield f"lost: run {logged} of {module} was logged, and the ledger has run {last}"
            yield from self._faults_of_events(module, last, seen.events.get(module, Counter()))
            yield from self._faults_of_alerts(found, module, last)
        yield from self._faults_of_cursors(found, at)
        for alert in _alerts(found):
            if alert.module not in MODULES:
                yield f"invented: {alert.alertname} of {alert.module}"

    def _faults_of_events(self, module: str, last: int, logged: Counter[str]) -> Iterator[str]:
        for event in logged - story.all_events(self.recording.seed, module, last):
            yield f"lost: {module} has logged '{event}', and the ledger has run {last}"

    def _faults_of_alerts(self, found: Changes, module: str, last: int) -> Iterator[str]:
        now = story.chapter(self.recording.seed, module, last)
        alerts = [alert for alert in _alerts(found) if alert.module == module]
        firing = {
            alert.instance: alert.payload.annotations
            for alert in alerts
            if alert.state is State.FIRING
        }
        messages = {name: notes["message"] for name, notes in firing.items()}
        if messages != now.conditions:
            yield f"wrong: {module} fires {messages} after run {last}, not {now.conditions}"
        detail = story.detail_of(last)
        for name, notes in firing.items():
            if notes.get("detail") != detail:
                yield f"wrong: {name} of {module} has not the detail of run {last}"
        reports = {
            alert.payload.annotations["message"]: alert.payload.annotations.get("detail")
            for alert in alerts
            if alert.state is State.REPORT
        }
        told = self._reports(module, last)
        yield from (f"lost: report {text}" for text in told.keys() - reports.keys())
        yield from (f"invented: report {text}" for text in reports.keys() - told.keys())
        for text in told.keys() & reports.keys():
            if told[text] != reports[text]:
                yield f"wrong: report {text} has another detail"

    def _reports(self, module: str, last: int) -> dict[str, str]:
        return {
            text: story.detail_of(number)
            for number in range(1, last + 1)
            for text in story.chapter(self.recording.seed, module, number).reports
        }

    def _faults_of_cursors(self, found: Changes, at: float) -> Iterator[str]:
        for (peer, fingerprint), cursor in found.cursors.items():
            alert = found.alerts.get(fingerprint)
            if cursor is None or alert is None or not cursor.version:
                continue
            taken = self.recording.taken.get(peer, {}).get(identity(alert.payload.labels), ())
            if not any(
                post.at <= at and abs(_unix(post.ends) - cursor.ends_at) <= ROUNDING
                for post in taken
            ):
                yield f"invented: {peer} has not taken {alert.alertname} {alert.instance}"
            if cursor.version > alert.version:
                yield f"wrong: {peer} has version {cursor.version} of {alert.version}"


def committed(found: Changes, module: str) -> int:
    """Return the last run of a module that the ledger has."""
    record = found.modules.get(module)
    return story.number_of(record.state) if record else 0


def from_ledger(found: Changes) -> Seen:
    """Return what the outside can rely on when the ledger is all that is known."""
    return Seen(Counter({module: committed(found, module) for module in MODULES}))


def _alerts(found: Changes) -> list[Alert]:
    return [alert for alert in found.alerts.values() if alert is not None]


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
