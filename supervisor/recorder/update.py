"""What a batch of runs and announcements changes in the store. Pure; called by the recorder.

A draft lies over the store until it is committed: senders never see what is not on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import define, evolve

from supervisor.alerts import payload, sanitize, timing
from supervisor.alerts.alert import SUPERVISOR, Alert, ModuleRecord, SelfAlert, State
from supervisor.alerts.hysteresis import Comparison, Key, by_key, compare
from supervisor.alerts.labels import alert_labels, event_id, fingerprint_of
from supervisor.alerts.self_alerts import (
    HEARTBEAT,
    OVERFLOW,
    OWN,
    QUIET,
    REJECTED,
    RELOAD_FAILED,
    failure,
    failure_name,
    surplus_name,
)
from supervisor.config.service import Module
from supervisor.observations import Condition, Report, Run
from supervisor.recorder.lifecycle import Episodes


@define
class Draft(Episodes):
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

    def announce(self, announcement: SelfAlert) -> None:
        """Raise or end a condition of the supervisor's own."""
        key = (announcement.alertname, announcement.instance)
        if announcement.message is None:
            self._end_own(key)
        else:
            message = sanitize.clean_text(announcement.message, sanitize.MESSAGE_LIMIT)
            self._own(OWN, Condition(key[0], announcement.event_type, key[1], message))

    def tend(self) -> None:
        """Do what time has made due: resolve, date anew, forget."""
        while (fingerprint := self.store.tending.pop(self.now)) is not None:
            alert = self._alert(fingerprint)
            if alert is None or fingerprint in self.changes.alerts:
                continue  # what has just changed is queued anew once it is adopted
            taken = self.store.was_taken(alert)
            if alert.state is State.OVER and taken:
                self._put(self._resolved(alert))
            elif alert.state is State.REPORT and not taken and not self._all_reject(alert):
                self._put(self._delayed(alert))
            else:
                if alert.state is not State.RESOLVED and not taken:
                    self.changes.lost["rejected"] += 1
                self._set(fingerprint, None)

    def _all_reject(self, alert: Alert) -> bool:
        return timing.all_reject(alert, self.store.cursors_of(alert.fingerprint))

    def begin(self) -> None:
        """Let go of what belongs to the process that wrote the ledger."""
        for alert in list(self.store.alerts.values()):
            if alert.module == SUPERVISOR and alert.alertname == HEARTBEAT:
                self._forget_heartbeat(alert)
        self.announce(SelfAlert(RELOAD_FAILED, "", None))

    def reconcile(self) -> None:
        """Fit what is there to the configuration of now."""
        modules = {module.name: module for module in self.store.service.modules if module.enabled}
        self.rewind()
        for name, group in list(self.store.sightings.items()):
            if name != SUPERVISOR and name not in modules:
                for key in list(group):
                    self._clear(name, key)
        for alert in list(self.store.alerts.values()):
            if alert.state is State.FIRING and alert.module in modules:
                self._relabel(modules[alert.module], alert, alert.event_type)
            elif self._is_unwanted_heartbeat(alert):
                self._forget_heartbeat(alert)
            elif alert.state is State.FIRING and alert.module == SUPERVISOR:
                self._relabel(OWN, alert, alert.event_type)
        self._end_own_of_the_gone(modules)
        self._announce_rejected()
        if self.store.service.heartbeat:
            text = "the supervisor is alive; its silence is the alarm"
            self.announce(SelfAlert(HEARTBEAT, "", text, event_type="I"))

    def _is_unwanted_heartbeat(self, alert: Alert) -> bool:
        mine = alert.module == SUPERVISOR and alert.alertname == HEARTBEAT
        return mine and (not self.store.service.heartbeat or self._alert(alert.fingerprint) is None)

    def _forget_heartbeat(self, alert: Alert) -> None:
        """A heartbeat is never resolved."""
        self._set(alert.fingerprint, None)
        self._see(SUPERVISOR, (HEARTBEAT, ""), None)

    def _end_own_of_the_gone(self, modules: Iterable[str]) -> None:
        """End what was said of modules and peers that are no longer configured."""
        known = set(self.store.peers)
        for name in modules:
            known |= {failure_name(name), surplus_name(name)}
        of_modules = (failure_name("")[:-1], surplus_name("")[:-1])
        for name, instance in self._group(SUPERVISOR):
            of_module = name.startswith(of_modules) and name not in known
            of_peer = name.startswith("Peer") and instance not in known
            if of_module or of_peer:
                self._end_own((name, instance))

    def _announce_rejected(self) -> None:
        """Say what is in quarantine: a kill may have come between it and its announcement."""
        for peer in self.store.peers:
            for fingerprint, cursor in self.store.cursors.get(peer, {}).items():
                alert = self._alert(fingerprint) if cursor.rejected else None
                if alert is None or alert.version != cursor.rejected:
                    continue
                if alert.module != SUPERVISOR and not self._is_said(REJECTED, alert.module):
                    message = (
                        f"{peer} refuses alert {alert.alertname!r} of module {alert.module}; "
                        "it is kept in quarantine and tried again when it changes"
                    )
                    self.announce(SelfAlert(REJECTED, alert.module, message))

    def _is_said(self, alertname: str, instance: str) -> bool:
        return (alertname, instance) in self._group(SUPERVISOR)

    def rewind(self) -> None:
        """Take back every time that lies ahead: the clock was set back.

        A start or an end in the future would keep an alert active after it is over. Reports
        stay as they are, since their times are fixed.
        """
        self.store.rewind(self.now)
        for alert in list(self._alerts()):
            ends_at = None if alert.ends_at is None else min(alert.ends_at, self.now)
            starts_at = min(alert.starts_at, self.now)
            if alert.state is not State.REPORT and (starts_at, ends_at) != (
                alert.starts_at,
                alert.ends_at,
            ):
                self._put(
                    evolve(alert, starts_at=starts_at, ends_at=ends_at, version=alert.version + 1)
                )

    def review(self) -> None:
        """End those of the supervisor's own conditions whose cause has gone."""
        if self.now > self.store.last_loss + QUIET:
            self._end_own((OVERFLOW, ""))
        announced = [key for key in self._group(SUPERVISOR) if key[0] == REJECTED]
        if announced:
            rejected = {alert.module for alert in self._alerts() if self.store.is_rejected(alert)}
            for key in announced:
                if key[1] not in rejected:
                    self._end_own(key)

    def _remember(self, module: Module, run: Run) -> None:
        record = self.store.modules.get(module.name, ModuleRecord())
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
        self.announce(SelfAlert(surplus_name(module.name), "", message))

    def _announce_overflow(self) -> None:
        if self.changes.lost:
            bound = self.store.service.max_ledger
            message = (
                f"the ledger has reached max_ledger = {bound} bytes; "
                "alerts are being dropped, see supervisor_ledger_dropped_total"
            )
            self.announce(SelfAlert(OVERFLOW, "", message))

    # -- reports ---------------------------------------------------------------------

    def _report(self, module: Module, run: Run) -> None:
        ordinals: Counter[str] = Counter()
        for report in run.observations:
            if not isinstance(report, Report):
                continue
            identity = event_id(
                self.store.service,
                module.name,
                run.scheduled,
                report.alertname,
                ordinals[report.alertname],
            )
            ordinals[report.alertname] += 1
            labels = alert_labels(self.store.service, module, report, identity)
            if self._alert(fingerprint_of(labels)) is None:
                self._put_report(module, report, labels)

    def _put_report(self, module: Module, report: Report, labels: dict[str, str]) -> None:
        alert = Alert(
            fingerprint=fingerprint_of(labels),
            module=module.name,
            alertname=report.alertname,
            event_type=report.event_type,
            instance="",
            state=State.REPORT,
            starts_at=self.now,
            ends_at=self.now + self.store.service.report_lifetime,
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
            ends_at=self.now + self.store.service.report_lifetime,
            body=payload.annotate(alert.body, delayed="true"),
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
