"""What goes on in a band, and what stays true when a condition changes its type."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.alerts.hysteresis import settled
from supervisor.config.limits.limit import Limit
from supervisor.config.service import Module
from supervisor.observations import Condition, Duration, Observation, Run
from supervisor.recorder.reconcile import reconcile
from tests.support.ledger_bench import FULL, LedgerBench, T, moment, service_of
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

FIRST = "1970-01-12 22:46:40"
"""`T` in the zone of the bench."""

ERROR = evolve(FULL, event_type="E")
IN_BAND = evolve(FULL, sustain=True)
LIMIT = Limit((("W", 80), ("E", 95)), clear=75)


def filled(percent: int) -> list[Observation]:
    crossing = LIMIT.above(percent, "W")
    return [crossing.condition("Disk usage", "/", "it is full")] if crossing else []


def types(bench: LedgerBench) -> dict[str, str]:
    return {alert.event_type: alert.state.value for alert in bench.store.alerts.values()}


def see(bench: LedgerBench, *percents: int) -> list[dict[str, str]]:
    """Return after each value what a peer knows."""
    found = []
    for percent in percents:
        bench.see(*filled(percent))
        bench.deliver()
        bench.pass_time(60)
        found.append(types(bench))
    return found


def test_a_value_in_the_band_lets_nothing_fire_and_nothing_end() -> None:
    bench = LedgerBench()

    assert see(bench, 78, 81, 78, 75, 74) == [
        {},
        {"W": "firing"},
        {"W": "firing"},
        {"W": "firing"},
        {"W": "resolved"},
    ]


def test_a_value_in_the_band_does_not_count_for_fire_after() -> None:
    bench = LedgerBench(service_of(Module("disk", "disk", every=Duration(60), fire_after=2)))

    assert see(bench, 81, 78, 81, 81, 78) == [{}, {}, {}, {"W": "firing"}, {"W": "firing"}]


def test_a_value_in_the_band_ends_what_clear_after_has_counted() -> None:
    bench = LedgerBench(service_of(Module("disk", "disk", every=Duration(60), clear_after=2)))

    assert see(bench, 81, 70, 78, 70, 70)[-2:] == [{"W": "firing"}, {"W": "resolved"}]


def test_a_graver_type_is_kept_within_its_own_band() -> None:
    bench = LedgerBench()

    assert see(bench, 81, 96, 94, 90, 89, 70) == [
        {"W": "firing"},
        {"W": "resolved", "E": "firing"},
        {"W": "resolved", "E": "firing"},
        {"W": "resolved", "E": "firing"},
        {"W": "firing", "E": "resolved"},
        {"W": "resolved", "E": "resolved"},
    ]


def test_a_type_that_was_never_reached_is_not_kept() -> None:
    assert see(LedgerBench(), 92, 94) == [{"W": "firing"}, {"W": "firing"}]


def test_what_falls_into_the_first_band_at_once_goes_on_as_the_least_grave_type() -> None:
    assert see(LedgerBench(), 96, 78, 74) == [
        {"E": "firing"},
        {"E": "resolved", "W": "firing"},
        {"E": "resolved", "W": "resolved"},
    ]


def test_the_true_start_stays_over_each_change_of_type() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    (first,) = bench.deliver()
    starts, since = [], []
    for condition in (ERROR, evolve(ERROR, message="fuller"), FULL):
        bench.pass_time(60)
        bench.see(condition)
        fires = [alert for alert in bench.deliver() if alert["endsAt"] > moment(bench.now)]
        starts += [alert["startsAt"] for alert in fires]
        since += [alert["annotations"]["since"] for alert in fires]

    assert "since" not in first["annotations"]
    assert starts == [moment(T + 60), moment(T + 60), moment(T + 180)]
    assert since == [FIRST] * 3


def test_the_true_start_stays_when_labels_change_and_after_a_restart() -> None:
    bench = LedgerBench()
    see(bench, 81, 96)
    bench.restart(evolve(bench.service, labels={"host": "new"}))
    bench.see(ERROR)
    (fires,) = [alert for alert in bench.store.alerts.values() if alert.state.value == "firing"]

    assert fires.payload.labels["host"] == "new"
    assert fires.payload.annotations["since"] == FIRST


def test_a_new_episode_has_a_start_of_its_own() -> None:
    bench = LedgerBench()
    see(bench, 81, 96, 70, 96)
    (fires,) = [alert for alert in bench.store.alerts.values() if alert.state.value == "firing"]

    assert "since" not in fires.payload.annotations


def test_a_check_may_say_itself_since_when() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.see(evolve(ERROR, annotations={"since": "yesterday"}))
    fires = {alert.event_type: alert for alert in bench.store.alerts.values()}["E"]

    assert fires.payload.annotations["since"] == "yesterday"


def test_a_band_brings_back_no_alert_that_is_gone() -> None:
    bench = LedgerBench()
    see(bench, 81)
    bench.store.alerts.clear()
    bench.see(IN_BAND)

    assert types(bench) == {}


def test_a_band_is_the_same_after_a_reload() -> None:
    bench = LedgerBench()
    see(bench, 96, 92)
    bench.work(lambda update: reconcile(update))

    assert see(bench, 91, 89) == [{"E": "firing"}, {"E": "resolved", "W": "firing"}]


def test_equal_identities_go_on_when_one_of_them_is_surely_true() -> None:
    bench = LedgerBench()
    bench.see(IN_BAND, evolve(FULL, message="surely", keeps=("E",)))

    assert types(bench) == {"W": "firing"}
    assert bench.only().payload.annotations["message"] == "surely"


def run_of(*seen: Condition) -> Run:
    return Run("m", scheduled=T, started=T, seconds=0.1, observations=seen)


def test_a_run_without_a_band_is_left_as_it_is() -> None:
    run = run_of(FULL, ERROR)

    assert settled(run, {}) is run


@pytest.mark.usefixtures("no_threads")
async def test_a_run_counts_without_what_only_goes_on_unless_it_fires(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    results = []
    for condition in (evolve(full(), sustain=True), full(), evolve(full(), sustain=True)):
        await bench.send.send(bench.run(condition))
        await trio.sleep(1)  # no thread: the commit is over when all tasks wait
        results.append(bench.recorder.stats["m"].last_result)

    assert results == ["ok", "conditions", "conditions"]
