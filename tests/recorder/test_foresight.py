"""What a new configuration would do to the alerts, and that asking for it does nothing."""

from __future__ import annotations

import pytest
from attrs import evolve

from supervisor.alerts.alert import State
from supervisor.config.service import Module
from supervisor.recorder.foresight import foresee
from supervisor.recorder.reconcile import reconcile
from tests.support.ledger_bench import DISK, FULL, A, LedgerBench, service_of

OTHER = evolve(FULL, instance="/other")


def bench_with_alerts() -> LedgerBench:
    bench = LedgerBench()
    bench.see(FULL, OTHER)
    bench.fail()
    bench.deliver()
    return bench


SERVICES = {
    "the module is gone": service_of(Module("other", "other")),
    "the module is off": service_of(evolve(DISK, enabled=False)),
    "another label": service_of(evolve(DISK, labels={"team": "red"})),
    "another host": evolve(service_of(DISK), labels={"host": "other"}),
    "a heartbeat": evolve(service_of(DISK), heartbeat=True),
    "nothing": service_of(DISK),
}


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_foreseen_happens(name: str) -> None:
    bench = bench_with_alerts()
    before = fired(bench)
    foreseen = foresee(bench.outbox, SERVICES[name], bench.now)
    bench.store.config.service = SERVICES[name]
    bench.work(lambda update: reconcile(update))

    ended = {each.before.fingerprint for each in foreseen if each.before}
    begun = {each.after.fingerprint for each in foreseen if each.after}
    assert fired(bench) == before - ended | begun
    assert bool(foreseen) == (name != "nothing")


def fired(bench: LedgerBench) -> set[str]:
    return {
        fingerprint
        for fingerprint, alert in bench.store.alerts.items()
        if alert.state is State.FIRING
    }


@pytest.mark.parametrize("name", SERVICES)
def test_to_foresee_changes_nothing(name: str) -> None:
    bench = bench_with_alerts()
    store, due = bench.store.contents(), bench.outbox.pending(A)
    config = bench.store.config.service
    foresee(bench.outbox, SERVICES[name], bench.now)

    assert bench.store.contents() == store
    assert bench.outbox.pending(A) == due
    assert bench.store.config.service is config
