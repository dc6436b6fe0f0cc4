"""While a peer works on a batch, the next one is made. It holds nothing that is out of date."""

from __future__ import annotations

from attrs import define, evolve, field

from supervisor.delivery.back_off import BatchSize
from supervisor.delivery.pace import Pace
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.prefetch import Prefetch
from supervisor.ledger.outgoing import Outgoing
from tests.support.ledger_bench import FULL, A, LedgerBench, T
from tests.support.virtual_clock import FrozenClock

OTHER = evolve(FULL, instance="/other")


@define
class Bench:
    """A prefetch of single alerts for one peer."""

    ledger: LedgerBench = field(factory=LedgerBench)
    prefetch: Prefetch = field(init=False)
    wake_ups: int = 0

    def __attrs_post_init__(self) -> None:
        self.prefetch = Prefetch(
            peer=PeerStatus(A),
            outbox=self.ledger.outbox,
            clock=FrozenClock(T),
            size=BatchSize(1),
            pace=Pace(5.0, 60.0),
            wake_recorder=self.wake,
        )

    def wake(self) -> None:
        self.wake_ups += 1


def instances(batch: list[Outgoing]) -> list[str]:
    return [item.alert.instance for item in batch]


def test_what_was_made_ahead_is_posted_next() -> None:
    bench = Bench()
    bench.ledger.see(FULL, OTHER)
    first = bench.prefetch.next_batch(T)
    bench.prefetch.work_ahead(first)

    assert bench.ledger.take() == []
    assert (instances(first), instances(bench.prefetch.next_batch(T))) == (["/"], ["/other"])
    assert bench.prefetch.next_batch(T) == []


def test_what_has_changed_since_it_was_made_is_made_again() -> None:
    bench = Bench()
    bench.ledger.see(FULL, OTHER)
    bench.prefetch.work_ahead(bench.prefetch.next_batch(T))
    bench.ledger.see(FULL, evolve(OTHER, message="it is fuller"))
    (item,) = bench.prefetch.next_batch(T)

    assert b"it is fuller" in item.data


def test_what_is_in_flight_is_not_made_ahead() -> None:
    bench = Bench()
    bench.ledger.see(FULL)
    first = bench.prefetch.next_batch(T)
    bench.ledger.see(evolve(FULL, message="it is fuller"))
    bench.prefetch.work_ahead(first)

    assert instances(bench.ledger.take()) == ["/"]


def test_cursors_advance_while_the_peer_works_and_the_recorder_is_woken_once() -> None:
    bench = Bench()
    bench.ledger.see(FULL, OTHER)
    for _ in range(2):
        batch = bench.prefetch.next_batch(T)
        bench.prefetch.note_accepted(batch, T)
        assert bench.ledger.cursors.get(A, batch[0].alert.fingerprint) is None
        bench.prefetch.work_ahead([])

        assert bench.ledger.cursors.get(A, batch[0].alert.fingerprint) is not None
        assert bench.wake_ups == 1


def test_a_batch_made_ahead_can_be_queued_again() -> None:
    bench = Bench()
    bench.ledger.see(FULL, OTHER)
    bench.prefetch.work_ahead(bench.prefetch.next_batch(T))
    bench.prefetch.put_back(T)

    assert instances(bench.ledger.take()) == ["/other"]
