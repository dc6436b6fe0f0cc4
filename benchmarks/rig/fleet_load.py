"""What a fleet costs: counters of its supervisors and of the servers that they use, and rates."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import attrs
import httpx
from attrs import frozen

from benchmarks.rig.process_tree import cpu_seconds, memory
from tests.e2e.fleet import Fleet, Host

MONTH = 30 * 86400.0
"""Seconds."""

SAMPLE_BYTES = 1.5
"""Bytes of a sample in Prometheus' blocks. Its documentation says one to two."""


@frozen
class Counters:
    """Figures that only grow."""

    at: float
    """Seconds of the monotonic clock."""
    requests: float
    """Of one Alertmanager."""
    alerts: float
    """Of one Alertmanager."""
    samples: float
    """Of Prometheus."""
    logged: float
    """Bytes in the write-ahead log of Prometheus."""
    supervisor: float
    """CPU seconds of one supervisor."""
    alertmanager: float
    """CPU seconds of one Alertmanager."""
    prometheus: float
    """CPU seconds of Prometheus."""

    @classmethod
    def read(cls, fleet: Fleet) -> Counters:
        peers, prometheus = fleet.alertmanagers, fleet.prometheus
        return cls(
            at=time.monotonic(),
            # Alertmanager does not count requests of its second API, but the supervisors do.
            requests=sum(asked(host) for host in fleet.hosts) / len(peers),
            alerts=mean(peer.metric("alertmanager_alerts_received_total") for peer in peers),
            samples=prometheus.metric("prometheus_tsdb_head_samples_appended_total"),
            logged=sum(
                file.stat().st_size
                for file in (prometheus.directory / "data" / "wal").iterdir()
                if file.is_file()
            ),
            supervisor=mean(cpu_seconds(host.pid) for host in fleet.hosts),
            alertmanager=mean(cpu_seconds(peer.pid) for peer in peers),
            prometheus=cpu_seconds(prometheus.pid),
        )

    def since(self, before: Counters) -> Counters:
        """Return by how much each figure has grown in a second."""
        now, then = attrs.astuple(self), attrs.astuple(before)
        passed = self.at - before.at
        return Counters(*((new - old) / passed for new, old in zip(now, then, strict=True)))


@frozen
class Memory:
    """MiB of one supervisor, one Alertmanager and Prometheus. Shared pages count once."""

    supervisor: float
    alertmanager: float
    prometheus: float

    @classmethod
    def read(cls, fleet: Fleet) -> Memory:
        return cls(
            mean(memory(host.pid).own for host in fleet.hosts),
            mean(memory(peer.pid).own for peer in fleet.alertmanagers),
            memory(fleet.prometheus.pid).own,
        )


@frozen
class Load:
    """What a quiet fleet costs."""

    rates: Counters
    memory: Memory
    series: float
    """Of one host."""
    scrape: float
    """Seconds of the slowest scrape."""

    @classmethod
    def measure(cls, fleet: Fleet, seconds: float) -> Load:
        """Measure for some seconds."""
        before = Counters.read(fleet)
        time.sleep(seconds)
        rates = Counters.read(fleet).since(before)
        query = fleet.prometheus.value
        return cls(
            rates,
            Memory.read(fleet),
            series=query("avg(scrape_samples_post_metric_relabeling)"),
            scrape=query("max(max_over_time(scrape_duration_seconds[1m]))"),
        )

    def lines(self, hosts: int, more: int, scrape: float, usual: float) -> Iterable[str]:
        """Yield the figures as measured, and in proportion for `more` hosts.

        The measured `hosts` are scraped every `scrape` seconds, the others every `usual` seconds.
        """
        rates, grown = self.rates, more / hosts
        sampled = grown * scrape / usual
        month = rates.samples * sampled * MONTH * SAMPLE_BYTES / 2**30
        yield f"{'':<58} {hosts:>6} hosts {more:>6} hosts"
        for what, value, factor in (
            ("each Alertmanager: requests/s", rates.requests, grown),
            ("each Alertmanager: alerts/s", rates.alerts, grown),
            ("each Alertmanager: CPU, % of a core", 100 * rates.alertmanager, grown),
            ("each Alertmanager: memory, MiB", self.memory.alertmanager, 0),
            ("Prometheus: series", self.series * hosts, grown),
            (f"Prometheus: samples/s, every {scrape:g} s and {usual:g} s", rates.samples, sampled),
            ("Prometheus: CPU, % of a core", 100 * rates.prometheus, sampled),
            ("Prometheus: memory, MiB", self.memory.prometheus, 0),
            ("Prometheus: bytes/s written at once (WAL)", rates.logged, sampled),
            ("a scrape of one host: series", self.series, 1),
            ("a scrape of one host: ms, the slowest", 1000 * self.scrape, 1),
            ("a supervisor: CPU, % of a core", 100 * rates.supervisor, 1),
            ("a supervisor: memory, MiB", self.memory.supervisor, 1),
        ):
            grown_to = f"{value * factor:12,.2f}" if factor else f"{'':>12}"
            yield f"{what:<58} {value:12,.2f} {grown_to}"
        yield f"{'Prometheus: GiB a month, 1.5 bytes a sample':<58} {'':>12} {month:12,.1f}"


def asked(host: Host) -> float:
    """Return how many requests a supervisor has made, to all Alertmanagers."""
    text = httpx.get(f"http://{host.address}/metrics", trust_env=False).raise_for_status().text
    counts = re.findall(r"(?m)^supervisor_peer_send_seconds_count\S* (\S+)$", text)
    return sum(map(float, counts))


def mean(values: Iterable[float]) -> float:
    found = [*values]
    return sum(found) / len(found)
