"""The metrics: names as promised, values as counted, text that Prometheus reads."""

from __future__ import annotations

import math
import re

import pytest
import trio
import trio.lowlevel
from prometheus_client.parser import text_string_to_metric_families

from supervisor.observations import Condition, Measurement, Report, Run
from supervisor.stats.histogram import BOUNDS
from supervisor.web.metrics import exposition, metrics
from supervisor.web.metrics.metrics import Source
from tests.support.ledger_bench import A, B
from tests.support.promtool import promtool_complaints
from tests.support.web_bench import WebBench, client_of, modules

PROMISED = {
    "module_runs_total": {"module", "result"},
    "module_run_seconds": {"module"},
    "module_last_run_timestamp_seconds": {"module"},
    "module_schedule_lag_seconds": {"module"},
    "module_skipped_total": {"module", "reason"},
    "measurement": {"module", "name", "mount_point"},
    "alerts": {"state"},
    "ledger_bytes": set(),
    "ledger_dropped_total": {"reason"},
    "peer_pending": {"peer"},
    "peer_oldest_pending_seconds": {"peer"},
    "peer_sent_total": {"peer"},
    "peer_errors_total": {"peer", "reason"},
    "peer_send_seconds": {"peer"},
    "peer_clock_skew_seconds": {"peer"},
    "fallback_outage": set(),
    "fallback_sent_total": set(),  # without a fallback there are no channels
    "fallback_errors_total": set(),
    "quarantined_total": set(),
    "abandoned_threads": set(),
    "channel_used": set(),
    "build_info": {"version", "python"},
}
"""Each metric with its labels; the prefix is `supervisor_`."""

NASTY = 'a"b\\c\nd\N{SNOWMAN}{}=,<b>'

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def busy() -> WebBench:
    """Return a bench at which a bit of everything has happened."""
    bench = WebBench.make(*modules(3), urls=(A, B))
    usage = Measurement("disk_use_percent", 41, "%", {"mount_point": "/"})
    bench.run("disk-0", usage, Condition("Disk usage", "W", "/", "full"), seconds=0.3)
    bench.run("inode-1", error="it broke", seconds=61.0)
    bench.run("connection-2", Report("Daily", "hello"))
    bench.ledger.deliver(A)
    return bench


def text_of(bench: WebBench, waiting: int = 0) -> str:
    return "".join(metrics.pieces(Source(bench.snapshot, lambda: waiting)))


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, metric: str, /, **labels: str) -> float:
    return found[f"supervisor_{metric}", frozenset(labels.items())]


def test_the_names_are_those_that_were_promised() -> None:
    found = {
        family.name.removeprefix("supervisor_") + "_total" * (family.type == "counter"): {
            label for sample in family.samples for label in sample.labels
        }
        - {"le"}
        for family in text_string_to_metric_families(text_of(busy()))
        if family.name.startswith("supervisor_")
    }

    assert found == PROMISED


def test_the_process_has_the_usual_metrics() -> None:
    found = {name for name, _ in samples(text_of(busy())) if not name.startswith("supervisor_")}

    assert found == {
        "process_virtual_memory_bytes",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_max_fds",
    }


def test_values_are_what_was_counted() -> None:
    bench = busy()
    bench.stats["disk-0"].skipped["running"] = 2
    bench.ledger.store.lost["evicted"] = 3
    bench.peers[1].errors["HTTP 503"] = 4
    bench.peers[0].sent = 2
    bench.peers[1].skew = -42.5
    bench.ledger.pass_time(30)
    found = samples(text_of(bench, waiting=7))

    assert value(found, "module_runs_total", module="disk-0", result="conditions") == 1
    assert value(found, "module_runs_total", module="disk-0", result="ok") == 0
    assert value(found, "module_runs_total", module="inode-1", result="failed") == 1
    assert value(found, "module_run_seconds_bucket", module="disk-0", le="0.25") == 0
    assert value(found, "module_run_seconds_bucket", module="disk-0", le="0.5") == 1
    assert value(found, "module_run_seconds_bucket", module="inode-1", le="+Inf") == 1
    assert value(found, "module_run_seconds_sum", module="inode-1") == 61
    assert value(found, "module_skipped_total", module="disk-0", reason="running") == 2
    assert (
        value(found, "measurement", module="disk-0", name="disk_use_percent", mount_point="/") == 41
    )
    assert value(found, "alerts", state="firing") == 2
    assert value(found, "alerts", state="report") == 1
    assert value(found, "alerts", state="quarantined") == 0
    assert value(found, "ledger_bytes") == 40960
    assert value(found, "ledger_dropped_total", reason="evicted") == 3
    assert [value(found, "peer_pending", peer=peer) for peer in (A, B)] == [0, 3]
    assert value(found, "peer_oldest_pending_seconds", peer=B) == 30
    assert value(found, "peer_sent_total", peer=A) == 2
    assert value(found, "peer_errors_total", peer=B, reason="HTTP 503") == 4
    assert value(found, "peer_clock_skew_seconds", peer=B) == -42.5
    assert value(found, "channel_used") == 7


def test_what_was_refused_is_counted() -> None:
    bench = busy()
    bench.peers[0].errors["rejected"] = 2
    bench.peers[1].errors["rejected"] = 1

    assert value(samples(text_of(bench)), "quarantined_total") == 3


def test_a_module_that_has_not_run_has_no_last_run() -> None:
    found = samples(text_of(WebBench.make(*modules(1))))

    assert (
        "supervisor_module_last_run_timestamp_seconds",
        frozenset({("module", "disk-0")}),
    ) not in (found)
    assert value(found, "module_runs_total", module="disk-0", result="ok") == 0


def test_promtool_has_nothing_to_say() -> None:
    assert promtool_complaints(text_of(busy())) == ""


def test_names_and_labels_may_be_anything() -> None:
    bench = WebBench.make(*modules(1))
    bench.run(
        "disk-0",
        Measurement(NASTY, 1, "", {NASTY: NASTY, "__name__": "x", "module": "y", "1": "z"}),
        Measurement("big", 10**400),
        Measurement("odd", math.nan),
        Measurement("least", -math.inf),
    )
    found = samples(text_of(bench))
    by_name = {
        dict(labels).get("name", ""): (dict(labels), number)
        for (name, labels), number in found.items()
        if name == "supervisor_measurement"
    }

    assert by_name["big"][1] == math.inf
    assert math.isnan(by_name["odd"][1])
    assert by_name["least"][1] == -math.inf
    labels, _ = by_name[NASTY]
    assert labels.pop("module") == "disk-0"
    assert labels.pop("exported___name__") == "x"
    assert labels.pop("exported_module") == "y"
    assert labels.pop("exported_1") == "z"
    assert NASTY in labels.values()


def test_a_measurement_that_comes_twice_is_shown_once() -> None:
    bench = WebBench.make(*modules(1))
    bench.run("disk-0", Measurement("m", 1), Measurement("m", 2))

    assert text_of(bench).count('name="m"') == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1.0, "1"), (0.1, "0.1"), (True, "1"), (-3.5, "-3.5"), (1e300, "1e+300")],
)
def test_numbers_are_written_plainly(number: float, text: str) -> None:
    assert text == exposition.number(number)


def test_the_buckets_are_those_of_the_histogram() -> None:
    bench = busy()
    bounds = re.findall(r'run_seconds_bucket\{module="disk-0",le="([^"]*)"', text_of(bench))

    assert [float(bound) for bound in bounds] == [*BOUNDS, math.inf]


async def test_the_listener_serves_them_as_prometheus_asks() -> None:
    async with client_of(busy()) as client:
        answer = await client.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(answer.text)


async def test_a_scrape_of_many_modules_lets_other_tasks_run() -> None:
    bench = WebBench.make(*modules(2000))
    for stats in bench.stats.values():
        stats.finish(Run(stats.name, 0, 0, 0.01))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with client_of(bench) as client, trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        text = (await client.get("/metrics")).text
        nursery.cancel_scope.cancel()

    assert turns > len(text.splitlines()) / metrics.LINES_PER_PIECE
