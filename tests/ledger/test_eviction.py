"""What goes when the ledger is full, and in which order."""

from __future__ import annotations

from itertools import count

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.alerts.self_alerts import LEDGER_CORRUPT, SelfAlert
from supervisor.ledger import retention
from supervisor.observations import Condition, Duration
from tests.support.alerts import RESOLVED
from tests.support.ledger_bench import FULL, HELLO, A, B, LedgerBench, service_of


def test_the_ledger_is_bounded_and_each_loss_is_counted_and_announced() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    for number in range(200):
        bench.see(*(evolve(FULL, instance=f"/{n}") for n in range(number)))
        bench.pass_time(1)

    firing = [alert for alert in bench.store.alerts.values() if alert.module == "disk"]
    assert 20 < len(firing) < 40
    assert bench.store.bytes < 22_000
    assert bench.store.lost["refused"] > 0
    assert ("LedgerOverflow", "firing") in bench.states()


def test_delivered_and_resolved_go_first_and_are_no_loss() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    bench.see(*(evolve(FULL, instance=f"/old{n}") for n in range(20)))
    bench.deliver()
    bench.see()
    bench.deliver()
    bench.see(*(evolve(FULL, instance=f"/new{n}") for n in range(25)))

    assert sum(alert.state is State.FIRING for alert in bench.store.alerts.values()) == 25
    assert bench.store.lost == {}


def test_reports_go_before_conditions_that_fire() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    for _ in range(25):
        bench.see(HELLO)
        bench.pass_time(1)
    bench.see(*(evolve(FULL, instance=f"/{n}") for n in range(25)))

    assert sum(alert.state is State.FIRING for alert in bench.store.alerts.values()) == 25 + 1
    assert bench.store.lost["evicted"] > 0


def of(state: State, name: str, starts_at: float = 0.0) -> Alert:
    return evolve(
        RESOLVED, state=state, fingerprint=name, instance=name, starts_at=starts_at, ends_at=0.0
    )


TAKEN, OLD = Cursor(version=2, episode=1), Cursor(version=1, episode=1)


def order(newcomer: State) -> list[str]:
    """Return the names of those that may go for a newcomer, the first to go first."""
    bench = LedgerBench(service_of(urls=(A, B)))
    alerts = [
        of(State.FIRING, "firing, known to all"),
        of(State.FIRING, "firing, known to one"),
        of(State.REPORT, "report"),
        of(State.OVER, "pending"),
        of(State.RESOLVED, "resolved, one believes it firing"),
        of(State.RESOLVED, "delivered and resolved", 1.0),
        of(State.RESOLVED, "delivered and resolved, older", 0.5),
    ]
    known = {alert.fingerprint: TAKEN for alert in alerts}
    bench.cursors.known = {
        A: known,
        B: known | {"firing, known to one": OLD, "resolved, one believes it firing": OLD},
    }
    for name in ("report", "pending"):
        del known[name], bench.cursors.known[B][name]
    found = retention.victims(bench.cursors, alerts, of(newcomer, "new"))
    return [alert.fingerprint for alert in found]


def test_alerts_go_by_rank_and_the_oldest_first() -> None:
    expected = [
        "delivered and resolved, older",
        "delivered and resolved",
        "resolved, one believes it firing",
        "pending",
        "report",
        "firing, known to all",
    ]

    assert order(State.FIRING) == expected
    assert order(State.REPORT) == expected[:4]


def test_the_supervisors_own_conditions_never_go() -> None:
    bench = LedgerBench()
    bench.work(lambda update: update.take_self_alert(SelfAlert(LEDGER_CORRUPT, "torn")))
    bench.deliver()

    assert (
        list(retention.victims(bench.cursors, bench.store.alerts.values(), of(State.FIRING, "n")))
        == []
    )


def test_a_message_that_grows_needs_room_as_well() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    many = [evolve(FULL, instance=f"/{n}") for n in range(20)]
    bench.see(*many)
    bench.see(*(evolve(one, detail="x" * 5000) for one in many))

    assert bench.store.bytes < 22_000
    assert bench.store.lost["refused"] > 0
    assert sum(alert.module == "disk" for alert in bench.store.alerts.values()) == 20


def test_a_message_that_changes_finds_room_in_its_own_place() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    bench.see(evolve(FULL, detail="x" * 15_000))
    bench.see(evolve(FULL, detail="y" * 15_001))

    assert b"y" in bench.only().payload.encoded
    assert bench.store.lost == {}


def test_nothing_goes_for_what_does_not_fit_even_then() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    bench.see(HELLO, HELLO, FULL)
    bench.see(FULL, evolve(FULL, instance="/huge", detail="x" * 30_000))

    assert [name for name, state in bench.states() if state == "report"] == ["Daily", "Daily"]
    assert bench.store.lost == {"refused": 1}


def test_an_overflow_is_over_when_nothing_was_lost_for_a_while() -> None:
    bench = LedgerBench(service_of(max_ledger=2_000))
    bench.see(*(evolve(FULL, instance=f"/{n}") for n in range(9)))
    bench.store.last_loss = bench.now  # as the recorder notes
    bench.work(lambda update: update.end_stale_self_alerts())
    assert ("LedgerOverflow", "firing") in bench.states()

    bench.pass_time(901)
    bench.work(lambda update: update.end_stale_self_alerts())
    assert ("LedgerOverflow", "over") in bench.states()


def test_what_was_evicted_fires_again_when_it_is_seen_again() -> None:
    bench = LedgerBench(service_of(max_ledger=20_000))
    old = [evolve(FULL, instance=f"/old{n}") for n in range(30)]
    bench.see(*old)
    bench.deliver()
    bench.see(*old, *(evolve(FULL, instance=f"/new{n}") for n in range(10)))
    assert bench.store.lost["evicted"] > 0

    bench.deliver()
    bench.see(*old)
    firing = {
        alert.instance for alert in bench.store.alerts.values() if alert.state is State.FIRING
    }
    assert firing >= {one.instance for one in old}


def test_what_is_evicted_and_fires_again_in_one_run_is_new_to_every_peer() -> None:
    again = evolve(FULL, instance="/again")
    bench = LedgerBench(service_of(max_ledger=12_000))
    bench.see(again, *(evolve(FULL, instance=f"/old{n}") for n in range(4)))
    bench.deliver()
    bench.see()
    bench.deliver()
    bench.pass_time(60)
    new = [evolve(FULL, instance=f"/new{n}") for n in range(16)]
    bench.see(*new, again)
    (alert,) = (each for each in bench.store.alerts.values() if each.instance == "/again")
    assert not bench.cursors.was_taken(alert)
    bench.see(*new)

    assert alert.fingerprint in {each.fingerprint for each in bench.outbox.pending(A)}


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 3000), st.booleans(), st.booleans()),
        max_size=20,
    )
)
def test_the_bound_holds_whatever_is_seen(
    looks: list[tuple[int, int, bool, bool]],
) -> None:
    bench = LedgerBench(service_of(max_ledger=20_000, report_lifetime=Duration(1800)))
    names = count()
    for number, length, fresh, taken in looks:
        seen = [
            Condition(
                alertname="Disk usage",
                event_type="W",
                instance=f"/{next(names) if fresh else n}",
                message="m",
                detail="x" * length,
            )
            for n in range(number)
        ]
        bench.see(*seen, HELLO)
        if taken:
            bench.deliver()
        bench.pass_time(100)
        own = sum(
            len(alert.payload) + 400
            for alert in bench.store.alerts.values()
            if alert.module == "supervisor"
        )

        assert bench.store.bytes - own <= 20_000
