"""The last values of measurements: bounded, and kept only where there is a page."""

from __future__ import annotations

from supervisor.config.service import Module, StatusListener
from supervisor.observations import Duration, Measurement, Run
from supervisor.stats.module_stats import ModuleStats, fit
from supervisor.stats.recent_values import MAX_SERIES, MAX_VALUES, RecentValues
from tests.support.ledger_bench import service_of

DISK = Module("disk", "disk", every=Duration(60))
PAGE = StatusListener(listen="127.0.0.1:9477")


def test_the_last_values_of_the_first_measurements_are_kept() -> None:
    recent = RecentValues()
    for value in range(MAX_VALUES + 50):
        recent.add(Measurement(f"m{number}", value) for number in range(MAX_SERIES + 5))
    copy = recent.copy()
    recent.add([Measurement("m0", 1, labels={"a": "b"}), Measurement("large", 10**400)])

    assert len(copy.values) == MAX_SERIES
    assert [*copy.values["m0", ()]] == [*range(50, MAX_VALUES + 50)]
    assert [*recent.values] == [("m0", (("a", "b"),))]


def test_without_a_page_neither_values_nor_output_are_kept() -> None:
    stats: dict[str, ModuleStats] = {}
    kept = []
    for status in (StatusListener(), PAGE, StatusListener()):
        fit(stats, service_of(DISK, status=status))
        stats["disk"].finish(Run("disk", 0, 0, 0.1, (Measurement("use", 4),), output="all fine"))
        kept.append((stats["disk"].values is not None, stats["disk"].output))

    assert kept == [(False, ""), (True, "all fine"), (False, "")]


def test_a_failed_run_keeps_the_values_of_those_before() -> None:
    stats: dict[str, ModuleStats] = {}
    fit(stats, service_of(DISK, status=PAGE))
    stats["disk"].finish(Run("disk", 0, 0, 0.1, (Measurement("use", 4),)))
    stats["disk"].finish(Run("disk", 60, 60, 0.1, error="it broke"))

    assert stats["disk"].values is not None
    assert [*stats["disk"].values.values["use", ()]] == [4]
