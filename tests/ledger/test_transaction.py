"""Changes are read as if they were committed, and stay within `max_ledger`."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import Alert, Cursor, Sighting
from supervisor.config.current import CurrentConfig
from supervisor.ledger.changes import Changes
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.store import Store, cost
from supervisor.ledger.transaction import Transaction
from tests.support.alerts import FIRED_AT, FIRING, OVER, RESOLVED
from tests.support.ledger_bench import A, service_of

NEW = evolve(FIRING, fingerprint="new", instance="/new")


def begun(*alerts: Alert, room: float = 1000.0) -> Transaction:
    """Return a transaction over these alerts. The ledger has room for so many of their size."""
    config = CurrentConfig(service_of(max_ledger=int(room * cost(FIRING))))
    store = Store(config)
    store.adopt(Changes({alert.fingerprint: alert for alert in alerts}))
    return Transaction(store, Cursors(config), FIRED_AT)


def kept(transaction: Transaction) -> list[str]:
    return [alert.fingerprint for alert in transaction.alerts()]


def test_alerts_are_read_as_they_will_be_and_the_store_stays_as_it_is() -> None:
    old, gone = evolve(FIRING, fingerprint="old"), evolve(FIRING, fingerprint="gone")
    transaction = begun(old, gone)
    transaction.put(NEW)
    transaction.put(evolve(old, version=2))
    transaction.remove("gone")

    assert sorted(kept(transaction)) == ["new", "old"]
    assert transaction.alert("old") == evolve(old, version=2)
    assert transaction.alert("gone") is None
    assert transaction.store.alerts == {"old": old, "gone": gone}


def test_sightings_are_read_as_they_will_be() -> None:
    transaction = begun()
    transaction.store.adopt(
        Changes(sightings={"disk": {("A", "/"): Sighting(1, 0), ("A", "/x"): Sighting(2, 0)}})
    )
    transaction.set_sighting("disk", ("A", "/"), None)
    transaction.set_sighting("disk", ("A", "/y"), Sighting(3, 0))

    assert transaction.sightings("disk") == {
        ("A", "/x"): Sighting(2, 0),
        ("A", "/y"): Sighting(3, 0),
    }
    assert transaction.sighting("disk", ("A", "/")) is None
    assert transaction.sighting("disk", ("A", "/x")) == Sighting(2, 0)
    assert transaction.sighting("other", ("A", "/x")) is None


def test_the_oldest_of_the_least_rank_goes_and_is_counted() -> None:
    older = evolve(OVER, fingerprint="older", starts_at=FIRED_AT - 1)
    transaction = begun(OVER, older, evolve(FIRING, fingerprint="firing"), room=3.5)

    assert transaction.make_room(NEW)
    assert kept(transaction) == ["f", "firing"]
    assert transaction.changes.lost == {"evicted": 1}


def test_what_every_peer_knows_to_be_resolved_goes_and_is_no_loss() -> None:
    transaction = begun(RESOLVED, room=1.5)
    transaction.cursors.put(A, "f", Cursor(version=RESOLVED.version))

    assert transaction.make_room(NEW)
    assert (kept(transaction), transaction.changes.lost) == ([], {})


def test_nothing_goes_for_an_alert_that_would_not_fit_even_then() -> None:
    transaction = begun(OVER, evolve(FIRING, fingerprint="firing"), room=1.5)

    assert not transaction.make_room(NEW)
    assert sorted(kept(transaction)) == ["f", "firing"]


def test_what_this_transaction_adds_takes_room_as_well() -> None:
    transaction = begun(room=2.5)
    fits = []
    for number in range(4):
        alert = evolve(FIRING, fingerprint=f"f{number}")
        fits.append(transaction.make_room(alert))
        if fits[-1]:
            transaction.put(alert)

    assert fits == [True, True, False, False]


def test_a_past_alert_goes_into_the_history_with_the_next_number() -> None:
    other = evolve(RESOLVED, fingerprint="other")
    transaction = begun(RESOLVED, other)
    transaction.store.history[7] = RESOLVED
    transaction.remove("f")
    transaction.put(evolve(other, version=3, episode=2))

    history = transaction.changes.history
    assert {number: past for number, past in history.items() if past} == {8: RESOLVED, 9: other}
