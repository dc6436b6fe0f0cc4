"""What a batch of runs and announcements changes in the book. Pure; called by the recorder.

A draft lies over the book until it is committed: senders never see what is not on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from supervisor import delivery, eviction, wire
from supervisor.book import Book, Changes, cost
from supervisor.conditions import Comparison, Key, by_key, compare
from supervisor.context import preformatted
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
from supervisor.service import Module

OWN = Module(check=SUPERVISOR, name=SUPERVISOR)
"""The module of the supervisor's own conditions."""

OVERFLOW = "LedgerOverflow"
REJECTED = "AlertRejected"
HEARTBEAT = "Heartbeat"
QUIET = 900.0
"""Seconds without a loss after which an overflow counts as over."""


def failure_name(module: str) -> str:
    """Return the alertname under which a module's failed runs are known."""
    return f"Failed to execute module ({module})"


def surplus_name(module: str) -> str:
    """Return the alertname that says a module returned too many conditions."""
    return f"Too many conditions ({module})"


def failure(module: str, run: Run) -> Condition:
    """Return the condition that a failed run raises."""
    detail = ""
    if run.traceback:
        # Escaping may make it six times as long.
        text = wire.clean_text(run.traceback, wire.DETAIL_LIMIT // 8)
        detail = preformatted(text)
    message = wire.clean_text(run.error, wire.MESSAGE_LIMIT)
    return Condition(failure_name(module), "TE", "", message, detail)


@define
class Draft:
    """Changes worked out at the moment `now` (Unix seconds)."""

    book: Book
    now: float
    changes: Changes = field(factory=Changes)
    _growth: int = 0

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
        if self.book.was_taken(alert):
            return self._resolved(alert)
        folded = {"episodes": str(alert.folded)} if alert.folded > 1 else {}
        return evolve(
            alert,
            state=State.OVER,
            ends_at=max(self.now, alert.starts_at),
            version=alert.version + 1,
            body=wire.annotate(alert.body, **folded) if folded else alert.body,
        )

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

    # -- the bound -------------------------------------------------------------------

    def _make_room(self, alert: Alert) -> bool:
        """Evict what counts less than the alert until it fits; return whether it does."""
        bound = self.book.service.max_ledger
        excess = self.book.bytes + self._growth + cost(alert) - bound
        if excess <= 0:
            return True
        # More than is needed, so that the search is not repeated for every alert.
        wanted = excess + bound // 20
        for victim in eviction.victims(self.book, self._alerts(), alert):
            if wanted <= 0:
                break
            wanted -= cost(victim)
            excess -= cost(victim)
            self._evict(victim)
        return excess <= 0

    def _evict(self, victim: Alert) -> None:
        if eviction.rank(self.book, victim) > 0:
            self._lose("evicted")
        self._set(victim.fingerprint, None)
        key = (victim.alertname, victim.instance)
        if victim.state is State.FIRING and self._sighting(victim.module, key):
            self._see(victim.module, key, None)

    def _lose(self, reason: str) -> None:
        self.changes.lost[reason] += 1
        self.announce(
            Announcement(
                OVERFLOW,
                "",
                f"the ledger has reached max_ledger = {self.book.service.max_ledger} bytes; "
                "alerts are being dropped, see supervisor_ledger_dropped_total",
            )
        )

    # -- the book with the draft laid over it ----------------------------------------

    def _alert(self, fingerprint: str) -> Alert | None:
        if fingerprint in self.changes.alerts:
            return self.changes.alerts[fingerprint]
        return self.book.alerts.get(fingerprint)

    def _alerts(self) -> Iterable[Alert]:
        changed = self.changes.alerts
        yield from (alert for name, alert in self.book.alerts.items() if name not in changed)
        yield from (alert for alert in changed.values() if alert is not None)

    def _sighting(self, group: str, key: Key) -> Sighting | None:
        changed = self.changes.sightings.get(group, {})
        if key in changed:
            return changed[key]
        return self.book.sightings.get(group, {}).get(key)

    def _group(self, module: str) -> Mapping[Key, Sighting]:
        group = self.book.sightings.get(module, {})
        changed = self.changes.sightings.get(module)
        if not changed:
            return group
        laid_over = group | changed
        return {key: sighting for key, sighting in laid_over.items() if sighting is not None}

    def _see(self, group: str, key: Key, sighting: Sighting | None) -> None:
        self.changes.sightings.setdefault(group, {})[key] = sighting

    def _put(self, alert: Alert) -> None:
        self._set(alert.fingerprint, alert)

    def _set(self, fingerprint: str, alert: Alert | None) -> None:
        old = self._alert(fingerprint)
        self._growth += (cost(alert) if alert else 0) - (cost(old) if old else 0)
        self.changes.alerts[fingerprint] = alert

    def _body(
        self,
        module: Module,
        observation: Condition | Report,
        labels: Mapping[str, str],
        starts_at: float,
    ) -> bytes:
        service = self.book.service
        notes = wire.alert_annotations(service, module, observation, starts_at)
        return wire.encode(labels, notes, service.status.external_url)
