"""Works out which alerts change through a finished run, a self-alert or the passing of time.

Called by the recorder. Senders see nothing of it before it is committed. No trio, no clock, no
disk.
"""

from __future__ import annotations

from collections import Counter
from typing import Self

from attrs import define, evolve

from supervisor.alerts import timing
from supervisor.alerts.alert import (
    NO_LABELS,
    NO_RECORD,
    SUPERVISOR,
    Alert,
    Key,
    ModuleRecord,
    State,
)
from supervisor.alerts.hysteresis import Comparison, by_key, compare, settled
from supervisor.alerts.labels import alert_labels, event_id, fingerprint_of, payload_of
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    LEDGER_OVERFLOW,
    MODULE_FAILED,
    OVERFLOW_ENDS_AFTER,
    SUPERVISOR_MODULE,
    TOO_MANY_CONDITIONS,
    SelfAlert,
    module_failure,
)
from supervisor.config.service import Module
from supervisor.ledger.changes import Changes
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.transaction import Transaction
from supervisor.observations import Condition, Report, Run
from supervisor.recorder import held
from supervisor.recorder.lifecycle import Lifecycle


@define(eq=False, repr=False)
class Update:
    """The changes that one batch of messages makes."""

    outbox: Outbox
    """The committed alerts, and what is due for housekeeping."""

    transaction: Transaction
    """The uncommitted changes."""

    lifecycle: Lifecycle
    """Changes single alerts within the transaction."""

    @classmethod
    def begin(cls, outbox: Outbox, now: float) -> Self:
        """Return an update that has changed nothing yet. `now` is in Unix seconds."""
        transaction = Transaction(outbox.store, outbox.cursors, now)
        return cls(outbox, transaction, Lifecycle(transaction))

    @property
    def changes(self) -> Changes:
        """What the next commit writes."""
        return self.transaction.changes

    def record(self, module: Module, run: Run, last_success: float | None) -> Run:
        """Apply a finished run, and return what of it counts.

        A failed run says nothing about the module's conditions.
        """
        if run.error:
            self.lifecycle.raise_self_alert(module, module_failure(module.name, run))
            self.lifecycle.mark_unconfirmed(module, last_success)
        else:
            self.end_self_alert(MODULE_FAILED.key(module.name))
            run = settled(run, self.transaction.sightings(module.name))
            self._take_conditions(module, run)
            self._take_reports(module, run)
            self._tell_overflow()
        self._remember(module, run)
        return run

    def take_self_alert(self, alert: SelfAlert) -> None:
        """Raise or end a self-alert."""
        if alert.message is None:
            self.end_self_alert(alert.key)
        else:
            self.lifecycle.raise_self_alert(SUPERVISOR_MODULE, alert.condition)

    def end_self_alert(self, key: Key) -> None:
        """End a self-alert, if it is raised."""
        self.lifecycle.clear(SUPERVISOR, key)

    def is_raised(self, key: Key) -> bool:
        """Return whether a self-alert is raised."""
        return key in self.transaction.sightings(SUPERVISOR)

    def housekeep(self) -> None:
        """Resolve, renew or forget each alert whose time for that has come."""
        queue, now = self.outbox.housekeeping, self.transaction.now
        while (fingerprint := queue.pop(now)) is not None:
            alert = self.transaction.alert(fingerprint)
            if alert is None or fingerprint in self.changes.alerts:
                continue  # what has just changed is queued again after the commit
            if alert.state is State.HELD:
                self.lifecycle.look_at_held(alert)
                continue
            taken = self.outbox.cursors.was_taken(alert)
            if alert.state is State.OVER and taken:
                self.transaction.put(self.lifecycle.resolved(alert))
            elif alert.state is State.REPORT and not taken and not self._all_reject(alert):
                self.transaction.put(self._delayed(alert))
            elif alert.state is State.REPORT and taken and self._is_believed(alert):
                begun = evolve(alert, starts_at=min(alert.starts_at, now))
                self.transaction.put(self.lifecycle.resolved(begun))
            else:
                if alert.state is not State.RESOLVED and not taken:
                    self.transaction.lose("rejected")
                self.transaction.remove(fingerprint)

    def end_stale_self_alerts(self) -> None:
        """End the self-alerts whose cause is gone."""
        if self.transaction.now > self.transaction.store.last_loss + OVERFLOW_ENDS_AFTER:
            self.end_self_alert(LEDGER_OVERFLOW.key())
        raised = {
            key: module
            for key in self.transaction.sightings(SUPERVISOR)
            if (module := ALERT_REJECTED.subject_of(key)) is not None
        }
        if raised:
            cursors = self.outbox.cursors
            rejected = {
                alert.module for alert in self.transaction.alerts() if cursors.was_rejected(alert)
            }
            for key, module in raised.items():
                if module not in rejected:
                    self.end_self_alert(key)

    def _remember(self, module: Module, run: Run) -> None:
        record = self.transaction.store.modules.get(module.name, NO_RECORD)
        state = record.state if run.error else run.state
        # Only modules with `at` make up for missed times. For the others the time of a run is not
        # written.
        scheduled = run.scheduled if module.at else record.last_scheduled
        if (state, scheduled) != (record.state, record.last_scheduled):
            self.changes.modules[module.name] = ModuleRecord(scheduled, state)

    def _take_conditions(self, module: Module, run: Run) -> None:
        observed = by_key(item for item in run.observations if isinstance(item, Condition))
        seen, last = module.runs_to_fire
        comparison = compare(
            self.transaction.sightings(module.name),
            observed,
            fire_after=seen,
            of_last=last,
            clear_after=module.runs_to_clear,
            max_conditions=module.max_conditions,
        )
        for key in comparison.cleared:
            self.lifecycle.clear(module.name, key, module)
        for key, sighting in comparison.sightings.items():
            self.transaction.set_sighting(module.name, key, sighting)
        for key in comparison.confirmed:
            self.lifecycle.refresh(module, observed[key], key)
        for key in comparison.fired:
            self.lifecycle.fire(module, observed[key], key)
        self._tell_surplus(module, comparison)

    def _tell_surplus(self, module: Module, comparison: Comparison) -> None:
        if not comparison.surplus:
            self.end_self_alert(TOO_MANY_CONDITIONS.key(module.name))
            return
        message = (
            f"{comparison.surplus} conditions are not sent, because module {module.name} "
            f"returned more than max_conditions = {module.max_conditions}"
        )
        self.take_self_alert(SelfAlert(TOO_MANY_CONDITIONS, message, module.name))

    def _tell_overflow(self) -> None:
        if self.changes.lost:
            message = (
                f"the ledger has reached max_ledger = {self.transaction.service.max_ledger} bytes; "
                "alerts are being dropped, see supervisor_ledger_dropped_total"
            )
            self.take_self_alert(SelfAlert(LEDGER_OVERFLOW, message))

    def _take_reports(self, module: Module, run: Run) -> None:
        service = self.transaction.service
        ordinals: Counter[str] = Counter()
        for report in run.observations:
            if not isinstance(report, Report):
                continue
            name = report.alertname
            identity = event_id(
                service,
                module=module.name,
                scheduled=run.scheduled,
                alertname=name,
                ordinal=ordinals[name],
            )
            ordinals[name] += 1
            labels = alert_labels(service, module, report, identity)
            if self.transaction.alert(fingerprint_of(labels)) is None:
                self._put_report(module, report, labels)

    def _put_report(self, module: Module, report: Report, labels: dict[str, str]) -> None:
        now = self.transaction.now
        alert = Alert(
            fingerprint=fingerprint_of(labels),
            module=module.name,
            alertname=report.alertname,
            event_type=report.event_type,
            instance="",
            state=State.REPORT,
            starts_at=now,
            ends_at=now + self.transaction.service.report_lifetime,
            payload=payload_of(self.transaction.service, module, report, labels, starts_at=now),
            frozen_labels=report.labels or NO_LABELS,
        )
        alert = held.as_it_is_told(self.transaction, alert)
        if self.transaction.make_room(alert):
            self.transaction.put(alert)
        else:
            self.transaction.lose("refused")

    def _all_reject(self, alert: Alert) -> bool:
        return timing.all_reject(alert, self.outbox.cursors.of(alert.fingerprint))

    def _is_believed(self, report: Alert) -> bool:
        """Return whether a peer was told a later end: the clock was set back since then."""
        cursors = self.outbox.cursors.of(report.fingerprint)
        return any(cursor and cursor.ends_at > self.transaction.now for cursor in cursors)

    def _delayed(self, report: Alert) -> Alert:
        """Return a report that no peer took in time, with a new end."""
        return evolve(
            report,
            ends_at=self.transaction.now + self.transaction.service.report_lifetime,
            payload=report.payload.annotate(delayed="true"),
            version=report.version + 1,
            episode=report.episode + 1,
        )
