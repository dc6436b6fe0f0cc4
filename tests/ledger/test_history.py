"""What is kept of alerts that are over."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.ledger.retention import HISTORY_LENGTH, MAX_HISTORY_BYTES
from supervisor.observations import Condition
from tests.support.ledger_bench import FULL, HELLO, LedgerBench, service_of


def test_a_resolved_alert_is_kept_once_no_peer_need_hear_of_it() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    began = bench.now
    bench.deliver()
    bench.pass_time(60)
    bench.see()
    resolved = bench.only()
    bench.stay(1200)

    assert bench.store.alerts == {}
    assert [*bench.store.history.values()] == [resolved]
    assert (resolved.state, resolved.starts_at) == (State.RESOLVED, began)
    assert resolved.ends_at == began + 60


def test_an_alert_that_fires_again_leaves_its_past_behind() -> None:
    bench = LedgerBench()
    for _ in range(3):
        bench.see(FULL)
        bench.stay(400)
        bench.see()
        bench.stay(20)

    past = bench.store.history.values()
    assert [State.RESOLVED] * 2 == [alert.state for alert in past]
    assert [1, 2] == [alert.episode for alert in past]
    assert 3 == bench.only().episode


def test_a_report_is_kept_with_its_detail_unless_that_is_long() -> None:
    bench = LedgerBench()
    bench.see(HELLO, evolve(HELLO, alertname="Long", detail="x" * MAX_HISTORY_BYTES))
    bench.stay(1900)

    short, long = sorted(bench.store.history.values(), key=lambda alert: alert.alertname)
    assert b"<b>hello</b>" in short.payload.encoded
    assert b"hello" in long.payload.encoded
    assert len(long.payload) < 500


def test_only_the_last_are_kept() -> None:
    bench = LedgerBench(service_of(max_ledger=10_000_000))
    for first in (0, 150):
        bench.see(*(Condition("A", "W", f"i{n:03}", "m") for n in range(first, first + 150)))
        bench.stay(400)
    bench.see()
    bench.stay(1200)

    kept = [alert.instance for alert in bench.store.history.values()]
    assert HISTORY_LENGTH == len(kept)
    assert {f"i{n:03}" for n in range(150, 300)} <= {*kept}


def test_a_restart_forgets_nothing_of_it() -> None:
    bench = LedgerBench()
    bench.see(HELLO)
    bench.stay(1900)
    before = dict(bench.store.history)
    bench.restart(bench.service)
    bench.see(HELLO)
    bench.stay(1900)

    assert [1, 2] == [*bench.store.history]
    assert before.items() < bench.store.history.items()
