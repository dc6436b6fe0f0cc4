"""`fire_after = "3 of 5"`: what is remembered of the runs, and what outlasts the process."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrs import evolve

from supervisor.alerts.alert import Sighting
from supervisor.config.service import Module
from supervisor.observations import Duration
from tests.ledger.test_migrations import FORMAT_1
from tests.support.ledger_bench import FULL, LedgerBench, reopened, service_of

DISK = Module("disk", "disk", every=Duration(60), fire_after="3 of 5", clear_after=2)
KEY = ("Disk usage", "/")


def looks(bench: LedgerBench, pattern: str) -> str:
    """Let a run see the condition for 1, miss it for 0, and fail for x. Return what fires."""
    found = ""
    for run in pattern:
        if run == "x":
            bench.fail()
        else:
            bench.see(*[FULL] * int(run))
        fires = any(
            alert.module == "disk" and alert.alertname == KEY[0] and alert.state.value == "firing"
            for alert in bench.store.alerts.values()
        )
        found += "1" if fires else "0"
        bench.pass_time(60)
    return found


def test_a_condition_fires_when_some_of_the_last_runs_have_seen_it() -> None:
    bench = LedgerBench(service_of(DISK))

    assert looks(bench, "1010001011001010100") == "0000000001100000110"


def test_it_fires_only_in_a_run_that_has_seen_it_and_counts_anew_after_its_end() -> None:
    bench = LedgerBench(service_of(DISK))

    assert looks(bench, "111001100") == "001100000"


def test_failed_runs_count_neither_way() -> None:
    bench = LedgerBench(service_of(DISK))

    assert looks(bench, "1x0xx1x0x1") == "0000000001"


def test_what_is_remembered_outlasts_a_restart() -> None:
    bench = LedgerBench(service_of(DISK))
    looks(bench, "110")
    bench.restart(bench.service)

    assert bench.store.sightings["disk"] == {KEY: Sighting(2, 0b1)}
    assert looks(bench, "1") == "1"


def test_nothing_is_remembered_of_a_condition_that_can_no_longer_fire_by_it() -> None:
    bench = LedgerBench(service_of(DISK))
    looks(bench, "1000")

    assert bench.store.sightings["disk"] == {}


def test_with_a_plain_number_nothing_more_is_written_than_before() -> None:
    bench = LedgerBench(service_of(evolve(DISK, fire_after=3)))
    looks(bench, "11")
    written = bench.see().changes

    assert written.sightings == {"disk": {KEY: None}}
    assert not bench.see().changes


def test_a_ledger_of_the_first_version_goes_on_with_what_it_has_counted(tmp_path: Path) -> None:
    path = Path(shutil.copy(FORMAT_1, tmp_path / "ledger"))
    service = service_of(evolve(DISK, fire_after="2 of 3"))
    bench = LedgerBench(service)
    bench.outbox, _ = reopened(service, path)
    fires = []
    for instance in ("/other", "/new"):
        bench.see(FULL, evolve(FULL, instance=instance))
        alerts = bench.store.alerts.values()
        fires.append({alert.instance for alert in alerts if alert.state.value == "firing"})

    assert fires == [{"/"}, {"/", "/new"}]  # "/" fired in that ledger, "/new" was seen once
    assert bench.store.sightings["disk"][KEY].seen == 2
    assert bench.store.sightings["disk"]["Disk usage", "/other"] == Sighting(1, 1)
