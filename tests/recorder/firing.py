"""Which alerts fire, for the tests of the recorder: in memory, and after another start."""

from __future__ import annotations

from supervisor.alerts.alert import State
from supervisor.config.current import CurrentConfig
from supervisor.ledger.store import Store
from tests.support.recorder_bench import RecorderBench


def firing(bench: RecorderBench) -> set[str]:
    return _firing(bench.store)


def committed(bench: RecorderBench) -> set[str]:
    """Return what a new process would find firing."""
    found = Store(CurrentConfig(bench.service))
    for changes in bench.ledger.commits:
        found.adopt(changes)
    return _firing(found)


def _firing(store: Store) -> set[str]:
    return {
        alert.instance or alert.alertname
        for alert in store.alerts.values()
        if alert.state is State.FIRING
    }
