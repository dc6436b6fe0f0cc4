"""The rules for outages: a test for each sentence of the reference."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from tests.support.ledger_bench import FULL, A, B, LedgerBench, T, moment, service_of


def test_an_event_that_no_peer_took_is_sent_as_firing_and_held_for_min_visible() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.take()  # the peer does not answer
    bench.pass_time(3600)
    bench.see()
    bench.pass_time(3600)
    (late,) = bench.deliver()

    assert (late["startsAt"], late["endsAt"]) == (moment(T), moment(bench.now + 240))

    bench.stay(359)
    assert bench.only().state is State.OVER

    bench.pass_time(1)
    bench.housekeep()
    (resolved,) = bench.deliver()
    assert resolved["endsAt"] == moment(bench.now)
    assert bench.only().state is State.RESOLVED


def test_a_peer_that_is_gone_again_has_not_held_it_long_enough() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.deliver()  # active there until T + 240
    bench.pass_time(360)
    bench.housekeep()
    assert bench.only().state is State.OVER

    bench.stay(10)
    bench.stay(359)
    assert bench.only().state is State.OVER

    bench.stay(1)
    assert bench.only().state is State.RESOLVED


def test_a_peer_that_comes_and_goes_does_not_hold_up_the_others() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.see()
    for _ in range(3):
        bench.deliver(B)
        bench.stay(250)

    assert bench.only().state is State.RESOLVED


def test_further_episodes_of_an_outage_fold_into_the_first() -> None:
    bench = LedgerBench()
    for _ in range(3):
        bench.see(FULL)
        bench.pass_time(60)
        bench.see()
        bench.pass_time(60)
    (late,) = bench.deliver()

    assert late["startsAt"] == moment(T)
    assert late["annotations"]["episodes"] == "3"


def test_if_it_fires_again_before_that_only_the_present_is_sent_with_the_first_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.pass_time(60)
    bench.see()
    bench.pass_time(60)
    bench.see(evolve(FULL, message="again"))
    (late,) = bench.deliver()

    assert (late["startsAt"], late["annotations"]["message"]) == (moment(T), "again")
    assert "episodes" not in late["annotations"]


def test_firing_again_does_not_shorten_the_time_that_the_past_is_owed() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.deliver()
    bench.stay(10)
    bench.see(FULL)
    bench.stay(10)
    bench.see()
    assert bench.only().state is State.OVER

    bench.stay(339)
    assert bench.only().state is State.OVER

    bench.stay(1)
    assert bench.only().state is State.RESOLVED


def test_firing_again_for_long_enough_pays_what_the_past_is_owed() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    bench.see(FULL)
    bench.stay(400)
    bench.see()

    assert bench.only().state is State.RESOLVED


def test_what_was_over_before_the_answer_came_is_sent_again() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    batch = bench.take()
    bench.pass_time(300)  # a suspend while the request was in flight
    for item in batch:
        bench.outbox.delivered(A, item, bench.now)

    assert not bench.cursors.was_taken(bench.only())
    assert [alert["endsAt"] for alert in bench.deliver()] == [moment(bench.now + 240)]


def test_it_is_enough_that_one_peer_took_it() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.deliver(A)
    bench.see()

    assert bench.only().state is State.RESOLVED
    assert [alert["endsAt"] for alert in bench.deliver(B)] == [moment(T)]


def test_what_every_peer_holds_is_resolved_when_the_last_has_held_it() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.see()
    bench.deliver(A)
    bench.stay(300)
    bench.deliver(B)
    bench.stay(359, A, B)
    assert bench.only().state is State.OVER

    bench.stay(1, A, B)
    assert bench.only().state is State.RESOLVED


def test_an_ended_event_that_every_peer_refuses_is_given_up_and_counted() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see()
    for item in bench.take():
        bench.outbox.rejected(A, item)
    bench.pass_time(901)
    bench.housekeep()

    assert bench.store.alerts == {}
    assert bench.store.lost == {"rejected": 1}
