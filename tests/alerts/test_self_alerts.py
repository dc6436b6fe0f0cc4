"""Self-alerts: each has a name and a subject, and the subject can be read from the name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts import self_alerts
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    HEARTBEAT,
    LEDGER_OVERFLOW,
    MODULE_FAILED,
    PEER_CLOCK_SKEW,
    PEER_MISCONFIGURED,
    TOO_MANY_CONDITIONS,
    SelfAlert,
    SelfAlertKind,
    is_subject_gone,
    module_failure,
)
from supervisor.observations import Run
from tests.support.ledger_bench import A, B
from tests.support.strategies import any_text

KINDS = [kind for kind in vars(self_alerts).values() if isinstance(kind, SelfAlertKind)]


@given(st.sampled_from(KINDS), any_text)
def test_the_subject_is_read_from_the_key_whatever_it_is(kind: SelfAlertKind, subject: str) -> None:
    assert kind.subject_of(kind.key(subject)) == subject


@given(st.sampled_from(KINDS), st.sampled_from(KINDS), any_text)
def test_a_key_has_a_subject_for_its_own_kind_alone(
    kind: SelfAlertKind, other: SelfAlertKind, subject: str
) -> None:
    assert (other.subject_of(kind.key(subject)) is None) == (other is not kind)


def test_the_subject_is_the_instance_unless_the_name_holds_it() -> None:
    assert PEER_CLOCK_SKEW.key(A) == ("PeerClockSkew", A)
    assert MODULE_FAILED.key("disk") == ("Failed to execute module (disk)", "")
    assert HEARTBEAT.key() == ("Heartbeat", "")


@pytest.mark.parametrize("kind", [MODULE_FAILED, TOO_MANY_CONDITIONS])
def test_what_is_about_a_module_is_gone_with_it(kind: SelfAlertKind) -> None:
    assert not is_subject_gone(kind.key("disk"), ["disk"], [])
    assert is_subject_gone(kind.key("disk"), ["other"], ["disk"])


@pytest.mark.parametrize("kind", [PEER_CLOCK_SKEW, PEER_MISCONFIGURED])
def test_what_is_about_a_peer_is_gone_with_it(kind: SelfAlertKind) -> None:
    assert not is_subject_gone(kind.key(A), [], [A])
    assert is_subject_gone(kind.key(A), [A], [B])


def test_what_is_about_the_supervisor_or_about_a_rejected_alert_has_another_end() -> None:
    assert not is_subject_gone(LEDGER_OVERFLOW.key(), [], [])
    assert not is_subject_gone(ALERT_REJECTED.key("disk"), [], [])


def test_a_self_alert_raises_the_condition_of_its_kind() -> None:
    condition = SelfAlert(PEER_CLOCK_SKEW, "it is late\x07", A).condition

    assert (condition.alertname, condition.event_type, condition.instance, condition.message) == (
        "PeerClockSkew",
        "TE",
        A,
        "it is late\ufffd",
    )


def test_the_detail_of_a_failed_run_is_its_escaped_traceback() -> None:
    run = Run("disk", 0.0, 0.0, 0.1, error="it broke", traceback="File <x>")
    condition = module_failure("disk", run)

    assert (condition.message, condition.detail) == ("it broke", "<pre>File &lt;x&gt;</pre>")
