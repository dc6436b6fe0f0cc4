"""What a batch of runs and announcements changes in the book. Pure; called by the recorder.

A draft lies over the book until it is committed: senders never see what is not on disk.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, evolve

from supervisor import delivery, wire
from supervisor.conditions import Comparison, Key, by_key, compare
from supervisor.model import (
    SUPERVISOR,
    Alert,
    Announcement,
    Condition,
    ModuleRecord,
    Report,
    Run,
    Sighting,
    State,
)
from supervisor.overlay import Overlay
from supervisor.own import (
    HEARTBEAT,
    OVERFLOW,
    OWN,
    QUIET,
    REJECTED,
    failure,
    failure_name,
    surplus_name,
)
from supervisor.service import Module


@define
class Draft(Overlay):
    """What happened, as changes."""

    # -- what happened ---------------------------------------------------------------

    def record(self, module: Module, run: Run, last_success: float | None) -> None:
        """Take in a finished run; a failed one says nothing about the module's conditions."""
        if run.error:
            self._own(module, failure(module.name, run))
            self._hold(module, last_success)
        else:
            self._end_own((failure_name(module.name), ""))
            self._compare(module, run)
            self._report(module, run)
            self._announce_overflow()
        self._remember(module, run)

    def announce(self, announcement: Announcement) -> None:
        """Raise or end a condition of the supervisor's own."""
        key = (announcement.alertname, announcement.instance)
        if announcement.message is None:
            self._end_own(key)
        else:
            message = wire.clean_text(announcement.message, wire.MESSAGE_LIMIT)
            self._own(OWN, Condition(key[0], announcement.event_type, key[1], message))

    def tend(self) -> None:
        """Do what time has made due: resolve, date anew, forget."""
        while (fingerprint := self.book.tending.pop(self.now)) is not None:
            alert = self._alert(fingerprint)
            if alert is None:
                continue
            taken = self.book.was_taken(alert)
            if alert.state is State.OVER and taken:
                self._put(self._resolved(alert))
            elif alert.state is State.REPORT and not taken and not self._all_reject(alert):
                self._put(self._delayed(alert))
            else:
                if alert.state is not State.RESOLVED and not taken:
                    self.changes.lost["rejected"] += 1
                self._set(fingerprint, None)

    def _all_reject(self, alert: Alert) -> bool:
        return delivery.all_reject(alert, self.book.cursors_of(alert.fingerprint))

    def reconcile(self) -> None:
        """Fit what the ledger held to the configuration of now."""
        modules = {module.name: module for module in self.book.service.modules if module.enabled}
        for name, group in list(self.book.sightings.items()):
            if name != SUPERVISOR and name not in modules:
                for key in list(group):
                    self._clear(name, key)
                self._end_own((failure_name(name), ""))
                self._end_own((surplus_name(name), ""))
        for alert in list(self.book.alerts.values()):
            if alert.state is State.FIRING and alert.module in modules:
                self._relabel(modules[alert.module], alert, alert.event_type)
            elif alert.module == SUPERVISOR and alert.alertname == HEARTBEAT:
                self._set(alert.fingerprint, None)
                self._see(SUPERVISOR, (HEARTBEAT, ""), None)
            elif alert.state is State.FIRING and alert.module == SUPERVISOR:
                self._relabel(OWN, alert, alert.event_type)
            elif alert.state is State.FIRING and failure_name(alert.module) == alert.alertname:
                self._end_own((alert.alertname, ""))
        for key in self._group(SUPERVISOR):
            if key[0].startswith("Peer") and key[1] not in self.book.peers:
                self._end_own(key)

    def review(self) -> None:
        """End those of the supervisor's own conditions whose cause has gone."""
        if self.now > self.book.last_loss + QUIET:
            self._end_own((OVERFLOW, ""))
        announced = [key for key in self._group(SUPERVISOR) if key[0] == REJECTED]
        if announced:
            rejected = {alert.module for alert in self._alerts() if self.book.is_rejected(alert)}
            for key in announced:
                if key[1] not in rejected:
                    self._end_own(key)

    def _remember(self, module: Module, run: Run) -> None:
        record = self.book.modules.get(module.name, ModuleRecord())
        state = record.state if run.error else run.state
        # Only `at` times are caught up, so only they are worth a write for every run.
        scheduled = run.scheduled if module.at else record.last_scheduled
        if (state, scheduled) != (record.state, record.last_scheduled):
            self.changes.modules[module.name] = ModuleRecord(scheduled, state)

    # -- conditions ------------------------------------------------------------------

    def _compare(self, module: Module, run: Run) -> None:
        observed = by_key(item for item in run.observations if isinstance(item, Condition))
        step = compare(
            self._group(module.name),
            observed,
            fire_after=module.fire_after,
            clear_after=module.clear_after,
            most=module.max_conditions,
        )
        for key in step.cleared:
            self._clear(module.name, key)
        for key, sighting in step.sightings.items():
            self._see(module.name, key, sighting)
        for key in step.confirmed:
            self._refresh(module, observed[key], key)
        for key in step.fired:
            self._fire(module, observed[key], key)
        self._announce_surplus(module, step)

    def _announce_surplus(self, module: Module, step: Comparison) -> None:
        message = None
        if step.surplus:
            message = (
                f"module {module.name} returned {step.surplus} conditions more than its "
                f"max_conditions = {module.max_conditions}; they are not sent"
            )
        self.announce(Announcement(surplus_name(module.name), "", message))

    def _announce_overflow(self) -> None:
        if self.changes.lost:
            bound = self.book.service.max_ledger
            message = (
                f"the ledger has reached max_ledger = {bound} bytes; "
                "alerts are being dropped, see supervisor_ledger_dropped_total"
            )
            self.announce(Announcement(OVERFLOW, "", message))

    def _fire(
        self, module: Module, condition: Condition, key: Key, starts_at: float | None = None
    ) -> None:
        group = SUPERVISOR if self._is_own(module, key) else module.name
        labels = wire.alert_labels(self.book.service, module, condition)
        fingerprint = wire.fingerprint(labels)
        old = self._alert(fingerprint)
        alert = Alert(
            fingerprint=fingerprint,
            module=module.name,
            alertname=condition.alertname,
            event_type=condition.event_type,
            instance=condition.instance,
            state=State.FIRING,
            starts_at=self.now if starts_at is None else starts_at,
            ends_at=None,
            body=b"",
            frozen_labels=condition.labels,
            version=old.version + 1 if old else 1,
            episode=old.episode + 1 if old else 1,
        )
        if old is not None and old.state is State.OVER:
            # Nobody was told of the past episode yet: the two become one.
            alert = evolve(
                alert, starts_at=old.starts_at, episode=old.episode, folded=old.folded + 1
            )
        alert = evolve(alert, body=self._body(module, condition, labels, alert.starts_at))
        if group == SUPERVISOR or self._make_room(alert):
            self._put(alert)
            self._see(group, key, Sighting(module.fire_after, 0, fingerprint))
        else:
            self._lose("refused")
            if starts_at is not None:
                self._see(group, key, None)

    def _refresh(self, module: Module, condition: Condition, key: Key) -> None:
        group = SUPERVISOR if self._is_own(module, key) else module.name
        sighting = self._sighting(group, key)
        alert = self._alert(sighting.fingerprint) if sighting else None
        if alert is None or alert.state is not State.FIRING:
            self._fire(module, condition, key)
            return
        relabelled = self._relabel(module, alert, condition.event_type)
        if relabelled is None:
            return
        alert = relabelled
        labels, _, _ = wire.decode(alert.body)
        body = self._body(module, condition, labels, alert.starts_at)
        if body != alert.body:
            self._put(evolve(alert, body=body, version=alert.version + 1))

    def _relabel(self, module: Module, alert: Alert, event_type: str) -> Alert | None:
        """Fire under new labels what the configuration or its type has given another identity."""
        labels, notes, _ = wire.decode(alert.body)
        condition = Condition(
            alert.alertname,
            event_type,
            alert.instance,
            notes.pop("message"),
            notes.pop("detail", ""),
            alert.frozen_labels,
            notes,
        )
        if wire.alert_labels(self.book.service, module, condition) == labels:
            return alert
        same_event = event_type == alert.event_type
        key = (alert.alertname, alert.instance)
        # Under its new labels the event goes on: nobody need be told of the old ones.
        self._put(self._resolved(alert) if same_event else self._ended(alert))
        if not same_event:
            condition = evolve(condition, annotations={})
        self._fire(module, condition, key, alert.starts_at if same_event else None)
        group = SUPERVISOR if self._is_own(module, key) else module.name
        sighting = self._sighting(group, key)
        return self._alert(sighting.fingerprint) if sighting else None

    def _clear(self, group: str, key: Key) -> None:
        sighting = self._sighting(group, key)
        if sighting is None:
            return
        self._see(group, key, None)
        alert = self._alert(sighting.fingerprint)
        if alert is not None and alert.state is State.FIRING:
            self._put(self._ended(alert))

    def _ended(self, alert: Alert) -> Alert:
        """Return a firing alert as its end leaves it: resolved, or over if nobody took it."""
        if self._was_told(alert):
            return self._resolved(alert)
        folded = {"episodes": str(alert.folded)} if alert.folded > 1 else {}
        return evolve(
            alert,
            state=State.OVER,
            ends_at=max(self.now, alert.starts_at),
            version=alert.version + 1,
            body=wire.annotate(alert.body, **folded) if folded else alert.body,
        )

    def _was_told(self, alert: Alert) -> bool:
        """Return whether a peer took the alert, and one with a past of which nobody knew for long.

        Fired again, such an alert is still owed the time in which peers are certain to notify it.
        """
        if alert.folded == 1 or not self.book.was_taken(alert):
            return self.book.was_taken(alert)
        over = evolve(alert, state=State.OVER)
        due = delivery.tended_at(over, self.book.cursors_of(alert.fingerprint), self.book.service)
        return due is not None and due <= self.now

    def _resolved(self, alert: Alert) -> Alert:
        ends_at = max(self.now, alert.starts_at)
        return evolve(alert, state=State.RESOLVED, ends_at=ends_at, version=alert.version + 1)

    def _hold(self, module: Module, last_success: float | None) -> None:
        """Say of the module's conditions when they were last seen to be true."""
        for sighting in self._group(module.name).values():
            alert = self._alert(sighting.fingerprint)
            if alert is not None and alert.state is State.FIRING:
                moment = max(last_success or 0.0, alert.starts_at)
                confirmed = wire.local_time(moment, self.book.service.timezone)
                body = wire.annotate(alert.body, last_confirmed=confirmed)
                if body != alert.body and b'"last_confirmed"' not in alert.body:
                    self._put(evolve(alert, body=body, version=alert.version + 1))

    # -- reports ---------------------------------------------------------------------

    def _report(self, module: Module, run: Run) -> None:
        ordinals: Counter[str] = Counter()
        for report in run.observations:
            if not isinstance(report, Report):
                continue
            identity = wire.event_id(
                self.book.service,
                module.name,
                run.scheduled,
                report.alertname,
                ordinals[report.alertname],
            )
            ordinals[report.alertname] += 1
            labels = wire.alert_labels(self.book.service, module, report, identity)
            if self._alert(wire.fingerprint(labels)) is None:
                self._put_report(module, report, labels)

    def _put_report(self, module: Module, report: Report, labels: dict[str, str]) -> None:
        alert = Alert(
            fingerprint=wire.fingerprint(labels),
            module=module.name,
            alertname=report.alertname,
            event_type=report.event_type,
            instance="",
            state=State.REPORT,
            starts_at=self.now,
            ends_at=self.now + self.book.service.report_lifetime,
            body=self._body(module, report, labels, self.now),
            frozen_labels=report.labels,
        )
        if self._make_room(alert):
            self._put(alert)
        else:
            self._lose("refused")

    def _delayed(self, alert: Alert) -> Alert:
        return evolve(
            alert,
            ends_at=self.now + self.book.service.report_lifetime,
            body=wire.annotate(alert.body, delayed="true"),
            version=alert.version + 1,
            episode=alert.episode + 1,
        )

    # -- the supervisor's own --------------------------------------------------------

    def _own(self, module: Module, condition: Condition) -> None:
        key = (condition.alertname, condition.instance)
        if self._sighting(SUPERVISOR, key) is None:
            self._fire(module, condition, key)
        else:
            self._refresh(module, condition, key)

    def _end_own(self, key: Key) -> None:
        self._clear(SUPERVISOR, key)

    def _is_own(self, module: Module, key: Key) -> bool:
        return module.name == SUPERVISOR or key[0] == failure_name(module.name)
