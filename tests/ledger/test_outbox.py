"""What is due at which peer: after a change, a start, an answer, and a removal."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.alerts.payload import local_time
from supervisor.config.service import Module
from supervisor.ledger.changes import Changes
from supervisor.ledger.outbox import Outbox
from tests.support.alerts import FIRING
from tests.support.ledger_bench import FULL, HELLO, A, B, LedgerBench, T, moment, service_of


def test_a_new_peer_gets_what_fires_and_reports_that_are_not_over() -> None:
    bench = LedgerBench()
    bench.see(FULL, HELLO)
    bench.deliver()
    bench.restart(service_of(urls=(A, B)))
    bench.see(FULL)

    assert sorted(alert["labels"]["alertname"] for alert in bench.deliver(B)) == [
        "Daily",
        "Disk usage",
    ]
    assert bench.take(A) == []


def test_a_removed_peers_cursors_are_deleted() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.deliver(A)
    bench.deliver(B)
    bench.work(lambda _: None)
    bench.store.config.service = service_of(urls=(A,))
    bench.outbox.forget_other_peers()
    update = bench.work(lambda _: None)

    assert list(update.changes.cursors.values()) == [None]
    assert list(bench.cursors.known) == [A]


def test_what_peers_let_expire_waits_for_the_first_run_after_a_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(241)
    bench.outbox.await_confirmation(bench.now)
    assert bench.take() == []

    bench.see(FULL)
    (again,) = bench.deliver()
    assert again["startsAt"] == moment(T)


def test_what_peers_still_have_is_sent_on_after_a_start() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(239)
    bench.outbox.await_confirmation(bench.now)

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T)]


def test_an_at_module_does_not_wait_for_its_next_day() -> None:
    bench = LedgerBench(service_of(Module("disk", "disk", at=("09:00",))))
    bench.see(FULL)
    bench.deliver()
    bench.pass_time(86000)
    bench.outbox.await_confirmation(bench.now)

    assert [alert["startsAt"] for alert in bench.deliver()] == [moment(T)]


def test_an_alert_that_was_removed_is_due_nowhere_and_its_cursors_are_deleted() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(HELLO)
    bench.deliver(A)
    (fingerprint,) = bench.store.alerts
    bench.outbox.unconfirmed.add(fingerprint)
    bench.cursors.take_unsaved()
    bench.store.adopt(Changes({fingerprint: None}))
    bench.outbox.requeue([fingerprint])

    assert (bench.outbox.next_due(A), bench.outbox.next_due(B)) == (None, None)
    assert bench.outbox.housekeeping.next() is None
    assert bench.outbox.unconfirmed == set()
    assert bench.cursors.take_unsaved() == {(A, fingerprint): None}


def test_after_a_start_a_peer_is_sent_at_once_only_what_it_has_not_accepted() -> None:
    bench = LedgerBench(service_of(urls=(A, B)))
    bench.see(FULL)
    bench.deliver(A)
    contents = bench.store.contents()
    contents.cursors |= bench.cursors.contents()
    again = Outbox.of(bench.service)
    again.restore(contents)

    assert (again.next_due(A), again.next_due(B)) == (T + 60, 0.0)
    assert again.store.alerts == bench.store.alerts
    assert not again.cursors.has_unsaved


def test_a_batch_is_bounded_in_bytes_and_the_rest_stays_due() -> None:
    bench = LedgerBench()
    bench.see(*(evolve(FULL, instance=f"/{number}") for number in range(5)))
    size = len(bench.take()[0].data)
    bench = LedgerBench()
    bench.see(*(evolve(FULL, instance=f"/{number}") for number in range(5)))
    sizes = []
    while batch := bench.outbox.take_due(A, T, 0.0, max_alerts=9, max_bytes=2 * size + 4):
        sizes.append(len(batch))

    assert sizes == [2, 2, 1]


def test_an_answer_to_a_post_from_before_the_clock_was_set_does_not_count() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    (outgoing,) = bench.take()
    bench.outbox.clock_was_set(30.0)
    bench.outbox.delivered(A, outgoing, bench.now)

    assert not bench.outbox.is_current(outgoing)
    assert bench.cursors.get(A, outgoing.alert.fingerprint) is None
    assert len(bench.take()) == 1


def test_an_answer_about_an_alert_that_is_gone_leaves_no_cursor() -> None:
    bench = LedgerBench()
    bench.store.adopt(Changes({"f": FIRING}))
    bench.outbox.requeue(["f"])
    (outgoing,) = bench.take()
    bench.store.adopt(Changes({"f": None}))
    bench.outbox.requeue(["f"])
    bench.outbox.delivered(A, outgoing, bench.now)
    bench.outbox.rejected(A, outgoing)
    bench.outbox.put_back(A, [outgoing], bench.now)

    assert bench.cursors.get(A, "f") is None
    assert bench.take() == []


def test_an_answer_about_an_alert_that_is_gone_says_nothing_of_one_that_was_made_after_it() -> None:
    """The history had just got the old one when the condition was seen again."""
    bench = LedgerBench()
    old = evolve(FIRING, version=2, state=State.RESOLVED, ends_at=FIRING.starts_at + 60.0)
    bench.store.adopt(Changes({"f": old}))
    bench.outbox.requeue(["f"])
    (outgoing,) = bench.take()
    for change in (None, evolve(FIRING, version=2, starts_at=FIRING.starts_at + 960.0)):
        bench.store.adopt(Changes({"f": change}))
        bench.outbox.requeue(["f"])
    is_current = bench.outbox.is_current(outgoing)
    bench.outbox.delivered(A, outgoing, bench.now)
    bench.outbox.rejected(A, outgoing)

    assert not is_current
    assert bench.cursors.get(A, "f") is None
    assert [item.alert.state for item in bench.take()] == [State.FIRING]


def test_a_peer_that_took_a_report_is_sent_the_same_times_again() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    (first,) = bench.outbox.take_due(A, T, 90.0, max_alerts=9, max_bytes=9999)
    bench.outbox.delivered(A, first, T)
    (again,) = bench.outbox.take_due(A, T + 60, 0.0, max_alerts=9, max_bytes=9999)

    assert first.alert.state is State.REPORT
    assert (again.shift, again.data) == (90.0, first.data)


def test_what_is_over_says_its_end_in_the_zone_of_the_service() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    (firing,) = bench.deliver()
    bench.pass_time(3600)
    bench.see()
    (resolved,) = bench.deliver()

    assert "end_time" not in firing["annotations"]
    assert resolved["annotations"]["end_time"] == local_time(T + 3600, bench.service.timezone)
    assert resolved["endsAt"] == moment(T + 3600)
