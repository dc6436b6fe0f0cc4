"""All alerts that the supervisor raises about itself: their names and their subjects. Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection

from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR, Key
from supervisor.alerts.sanitize import MAX_DETAIL_BYTES
from supervisor.config.service import Module
from supervisor.observations import Condition, Run
from supervisor.text import MAX_MESSAGE_BYTES, clean_text, preformatted

SUPERVISOR_MODULE = Module(check=SUPERVISOR, name=SUPERVISOR)
"""The module of the supervisor's own conditions."""

OVERFLOW_ENDS_AFTER = 900.0
"""Seconds without a loss after which `LedgerOverflow` ends."""

ESCAPED_SIZE = 8
"""The factor by which a traceback can grow when it is escaped as HTML."""


class Subject(enum.Enum):
    """What a self-alert is about."""

    SUPERVISOR = "supervisor"
    """The supervisor as a whole."""

    MODULE = "module"
    """One module of the service file."""

    PEER = "peer"
    """One Alertmanager of the service file."""


@frozen
class SelfAlertKind:
    """One sort of self-alert."""

    alertname: str
    """The alertname. `{}` stands for the subject. Without `{}` the subject is the instance."""

    about: Subject = Subject.SUPERVISOR
    """What it is about."""

    event_type: str = "TE"
    """The label `event_type`."""

    def key(self, subject: str = "") -> Key:
        """Return alertname and instance for a subject: a module's name or a peer's URL."""
        if "{}" in self.alertname:
            return self.alertname.format(subject), ""
        return self.alertname, subject

    def subject_of(self, key: Key) -> str | None:
        """Return the subject of an alert of this kind, None for an alert of another kind."""
        alertname, instance = key
        before, placeholder, after = self.alertname.partition("{}")
        if not placeholder:
            return instance if alertname == self.alertname else None
        if alertname.startswith(before) and alertname.endswith(after):
            return alertname[len(before) : len(alertname) - len(after)]
        return None


MODULE_FAILED = SelfAlertKind("Failed to execute module ({})", Subject.MODULE)
"""A check raised an error, timed out, or returned something that cannot be used."""

TOO_MANY_CONDITIONS = SelfAlertKind("Too many conditions ({})", Subject.MODULE)
"""A module returned more conditions than `max_conditions`."""

ALERT_REJECTED = SelfAlertKind("AlertRejected", Subject.MODULE)
"""A peer refuses an alert of the module."""

PEER_CLOCK_SKEW = SelfAlertKind("PeerClockSkew", Subject.PEER)
"""A peer's clock differs from ours."""

PEER_MISCONFIGURED = SelfAlertKind("PeerMisconfigured", Subject.PEER)
"""A peer answers, but does not take alerts."""

LEDGER_OVERFLOW = SelfAlertKind("LedgerOverflow")
"""Alerts were dropped, since the ledger reached `max_ledger`."""

LEDGER_CORRUPT = SelfAlertKind("LedgerCorrupt")
"""A damaged ledger was set aside."""

LEDGER_UNWRITABLE = SelfAlertKind("LedgerUnwritable")
"""The ledger cannot be written; alerts are kept in memory."""

RELOAD_FAILED = SelfAlertKind("ReloadFailed")
"""A new configuration is wrong; the old one stays."""

HEARTBEAT = SelfAlertKind("Heartbeat", event_type="I")
"""Always fires, for a dead-man's switch. It is never resolved."""

ENDS_WITH_SUBJECT = (
    MODULE_FAILED,
    TOO_MANY_CONDITIONS,
    PEER_CLOCK_SKEW,
    PEER_MISCONFIGURED,
)
"""The kinds that end together with the module or peer that they are about.

`AlertRejected` ends when no alert is rejected any more.
"""


@frozen
class SelfAlert:
    """What a task tells the recorder: a self-alert is raised, or it has ended."""

    kind: SelfAlertKind
    """Which self-alert."""

    message: str | None
    """What is wrong. None says that the self-alert has ended."""

    subject: str = ""
    """The module's name or the peer's URL. Empty for the supervisor as a whole."""

    @property
    def key(self) -> Key:
        """Alertname and instance."""
        return self.kind.key(self.subject)

    @property
    def condition(self) -> Condition:
        """The condition to raise. Use it only if there is a message."""
        alertname, instance = self.key
        message = clean_text(self.message or "", MAX_MESSAGE_BYTES)
        return Condition(alertname, self.kind.event_type, instance, message)


def module_failure(module: str, run: Run) -> Condition:
    """Return the condition that a failed run raises."""
    detail = ""
    if run.traceback:
        detail = preformatted(clean_text(run.traceback, MAX_DETAIL_BYTES // ESCAPED_SIZE))
    alertname, instance = MODULE_FAILED.key(module)
    message = clean_text(run.error, MAX_MESSAGE_BYTES)
    return Condition(alertname, MODULE_FAILED.event_type, instance, message=message, detail=detail)


def is_subject_gone(key: Key, modules: Collection[str], peers: Collection[str]) -> bool:
    """Return whether a self-alert is about a module or peer that the service file has no more."""
    for kind in ENDS_WITH_SUBJECT:
        subject = kind.subject_of(key)
        if subject is not None:
            return subject not in (modules if kind.about is Subject.MODULE else peers)
    return False
