"""What each peer has accepted, and which of that the ledger does not have yet."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import Alert, Cursor
from supervisor.config.current import CurrentConfig
from supervisor.ledger.cursors import Cursors, advanced
from tests.support.alerts import FIRED_AT, FIRING, REPORT, RESOLVED
from tests.support.ledger_bench import A, B, service_of

TAKEN = Cursor(version=1, episode=1, sent_at=FIRED_AT, ends_at=FIRED_AT + 240, held_since=FIRED_AT)


def cursors_of(*urls: str) -> Cursors:
    return Cursors(CurrentConfig(service_of(urls=urls)))


def accept(cursor: Cursor | None, alert: Alert, after: float) -> Cursor:
    """Let a peer accept an alert so many seconds after it fired."""
    now = FIRED_AT + after
    return advanced(cursor, alert, sent_at=now, ends_at=now + 240, shift=90.0, now=now + 1)


def test_a_peer_holds_an_episode_from_the_first_time_that_it_took_it() -> None:
    first = accept(None, FIRING, 0)
    changed = accept(first, evolve(FIRING, version=2), 100)

    assert (first.version, first.held_since) == (1, FIRED_AT + 1)
    assert (changed.version, changed.sent_at, changed.held_since) == (
        2,
        FIRED_AT + 100,
        FIRED_AT + 1,
    )


def test_a_peer_that_let_it_expire_or_meets_a_new_episode_holds_it_from_then_on() -> None:
    expired = accept(TAKEN, FIRING, 241)
    new_episode = accept(TAKEN, evolve(FIRING, version=3, episode=2), 100)

    assert (expired.held_since, new_episode.held_since) == (FIRED_AT + 242, FIRED_AT + 101)


def test_a_resolved_alert_is_not_held_and_only_a_report_keeps_its_shift() -> None:
    assert accept(None, RESOLVED, 0).held_since is None
    assert (accept(None, FIRING, 0).shift, accept(None, REPORT, 0).shift) == (None, 90.0)


def test_pending_is_what_a_peer_has_neither_accepted_nor_refused() -> None:
    accepted, refused, changed, unknown = (evolve(FIRING, fingerprint=name) for name in "arcu")
    cursors = cursors_of(A)
    cursors.put(A, "a", TAKEN)
    cursors.reject(A, "r", 1)
    cursors.put(A, "c", evolve(TAKEN, version=0))

    assert cursors.pending(A, [accepted, refused, changed, unknown]) == [changed, unknown]
    assert cursors.is_rejected(refused)
    assert not cursors.is_rejected(evolve(refused, version=2))


def test_a_change_is_written_once_and_a_deleted_cursor_as_none() -> None:
    cursors = cursors_of(A, B)
    cursors.restore({(A, "f"): TAKEN, (B, "gone"): None})
    cursors.put(B, "f", TAKEN)
    cursors.forget(A, "f")

    assert cursors.has_unsaved
    assert cursors.take_unsaved() == {(A, "f"): None, (B, "f"): TAKEN, (B, "gone"): None}
    assert cursors.take_unsaved() == {}
    assert cursors.contents() == {(B, "f"): TAKEN}


def test_every_configured_peer_counts_and_no_other() -> None:
    cursors = cursors_of(A, B)
    cursors.put(A, "f", TAKEN)
    cursors.put("http://127.0.0.9:9093", "f", TAKEN)
    assert not cursors.everyone_has(FIRING)

    cursors.put(B, "f", TAKEN)
    assert cursors.everyone_has(FIRING)
    assert not cursors.everyone_has(evolve(FIRING, version=2))

    cursors.forget_other_peers()
    assert cursors.known.keys() == {A, B}


def test_a_step_of_the_clock_moves_the_hold_and_never_moves_an_end_ahead() -> None:
    for step, end in ((100.0, FIRED_AT + 240), (-100.0, FIRED_AT + 140)):
        cursors = cursors_of(A)
        cursors.restore({(A, "f"): TAKEN, (A, "report"): TAKEN})

        assert cursors.shift_times(step, {"f"}) == {"f"}
        moved = cursors.get(A, "f")
        assert moved == evolve(TAKEN, held_since=FIRED_AT + step, ends_at=end)
        assert cursors.get(A, "report") == TAKEN


def test_times_in_the_future_are_forgotten_except_the_end_of_a_report() -> None:
    now = FIRED_AT - 3600
    cursors = cursors_of(A)
    cursors.restore({(A, "f"): TAKEN, (A, "report"): TAKEN})
    cursors.forget_future(now, {"report"})

    assert cursors.get(A, "f") == evolve(TAKEN, sent_at=0.0, ends_at=now + 240, held_since=now)
    assert cursors.get(A, "report") == evolve(TAKEN, sent_at=0.0, held_since=now)
