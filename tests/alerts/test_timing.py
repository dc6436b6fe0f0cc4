"""When an alert is due and with which end: the rules of docs/reference/alerts.md as numbers."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts import timing
from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.observations import Duration
from tests.support.alerts import FIRING, OVER, REPORT, RESOLVED
from tests.support.ledger_bench import T, service_of

SERVICE = service_of(resend_interval=Duration(60))
TAKEN = Cursor(version=1, episode=1, sent_at=T, ends_at=T + 240, held_since=T)


@pytest.mark.parametrize("alert", [FIRING, OVER, RESOLVED, REPORT])
def test_what_a_peer_does_not_know_is_due_at_once(alert: Alert) -> None:
    assert timing.due_at(alert, None, False, SERVICE) == 0.0
    assert timing.due_at(evolve(alert, version=3), TAKEN, False, SERVICE) == 0.0


@pytest.mark.parametrize("alert", [FIRING, OVER, RESOLVED, REPORT])
def test_what_a_peer_refuses_is_not_due(alert: Alert) -> None:
    refused = evolve(TAKEN, rejected=alert.version)

    assert timing.due_at(alert, refused, True, SERVICE) is None


def test_a_resolved_alert_is_sent_again_for_15_minutes() -> None:
    end = T + 10
    for sent_at, due in ((end, end + 60), (end + 840, end + 900), (end + 841, None)):
        known = evolve(TAKEN, version=2, sent_at=sent_at)

        assert timing.due_at(RESOLVED, known, True, SERVICE) == due


def test_a_report_is_sent_again_until_its_end_if_a_peer_took_it_in_time() -> None:
    known = evolve(TAKEN, sent_at=T + 1400)

    assert timing.due_at(REPORT, known, True, SERVICE) == T + 1460
    assert timing.due_at(REPORT, known, False, SERVICE) is None
    assert timing.due_at(REPORT, evolve(known, sent_at=T + 1740), True, SERVICE) is None


@given(st.sampled_from([FIRING, OVER, RESOLVED, REPORT]), st.floats(0, 2 * T))
def test_no_end_is_before_its_start(alert: Alert, now: float) -> None:
    end = timing.sent_end(alert, now, SERVICE)

    assert end >= alert.starts_at
    assert end >= now + 240 or alert.state in (State.RESOLVED, State.REPORT)


def test_a_resolved_alert_is_kept_while_a_peer_may_hold_what_it_did_not_confirm() -> None:
    slow = service_of(resend_interval=Duration(600))

    assert timing.housekeeping_at(RESOLVED, [None], SERVICE) == T + 910
    assert timing.housekeeping_at(RESOLVED, [None], slow) == T + 10 + 2400
    later = evolve(TAKEN, ends_at=T + 5000)
    assert timing.housekeeping_at(RESOLVED, [later], SERVICE) == T + 5000
    assert timing.housekeeping_at(RESOLVED, [evolve(later, version=2)], SERVICE) == T + 910


def test_what_is_over_is_resolved_when_it_was_shown_for_long_enough() -> None:
    shown = evolve(TAKEN, ends_at=T + 360)

    assert timing.housekeeping_at(OVER, [None], SERVICE) is None
    assert timing.housekeeping_at(OVER, [TAKEN], SERVICE) is None
    assert timing.housekeeping_at(OVER, [shown, None], SERVICE) == T + 360
    for since, tended in ((T + 100, T + 460), (T + 9000, T + 720)):
        assert (
            timing.housekeeping_at(OVER, [shown, evolve(TAKEN, held_since=since)], SERVICE)
            == tended
        )


def test_what_is_over_is_resolved_as_soon_as_the_log_shows_it() -> None:
    """Without an Alertmanager no one must be waited for."""
    alone = service_of(urls=())

    assert timing.housekeeping_at(OVER, [TAKEN], alone) == T
    assert timing.was_told(evolve(OVER, folded=2), [TAKEN], T, alone)
    assert timing.visible_until(REPORT, alone) == timing.ends_at(REPORT)
