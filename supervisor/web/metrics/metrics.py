"""The metrics of `/metrics`. Each number is read where the supervisor keeps it.

The text is written here, piece by piece. The objects of prometheus-client would cost 6.5 KB for
each module, and one scrape of 10,000 modules would block the event loop for seconds.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from attrs import frozen
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from supervisor import __version__
from supervisor.control.snapshot import STATES, Snapshot
from supervisor.delivery.peer import PeerStatus
from supervisor.host.threads import abandoned_threads
from supervisor.ledger.store import Store
from supervisor.stats.module_stats import ModuleStats
from supervisor.stats.recent_runs import RESULTS
from supervisor.web.metrics.exposition import escaped, head, histogram, label_name, labels, sample

LINES_PER_PIECE = 300
"""Lines that are written at a time, in about a millisecond. Then other tasks run."""

SKIPPED = ("late", "running")
"""Reasons of skipped runs. They are shown from the start, so that `rate` sees the first one."""

LOST = ("evicted", "refused", "rejected")
"""Reasons of dropped alerts, shown from the start."""

PEER_ERRORS = ("connect", "transport")
"""Reasons of failed requests, shown from the start."""

_PREFIX = "supervisor_"
"""Begins the name of each metric."""

_OWN_LABELS = frozenset({"module", "name"})
"""Labels of a measurement that the supervisor sets."""


@frozen
class Source:
    """Where the numbers are read."""

    snapshot: Snapshot
    waiting: Callable[[], int]
    """Returns the number of runs that wait to be recorded."""

    @property
    def store(self) -> Store:
        return self.snapshot.store

    @property
    def modules(self) -> list[ModuleStats]:
        return [*self.snapshot.stats.values()]

    @property
    def peers(self) -> tuple[PeerStatus, ...]:
        return self.snapshot.peers()


Samples: TypeAlias = Callable[[Source, str], Iterator[str]]
"""Yields the lines of a metric, given its full name."""


@frozen
class Family:
    """One metric."""

    name: str
    kind: str
    text: str
    samples: Samples


FAMILIES: list[Family] = []
"""All metrics, in the order in which they are written."""


def _family(name: str, kind: str, text: str) -> Callable[[Samples], Samples]:
    """Add the decorated function to the metrics."""

    def add(samples: Samples) -> Samples:
        FAMILIES.append(Family(name, kind, text, samples))
        return samples

    return add


def pieces(source: Source) -> Iterator[str]:
    """Yield the whole exposition in pieces that each take about a millisecond."""
    for family in FAMILIES:
        name = _PREFIX + family.name
        lines = [head(name, family.kind, family.text)]
        for count, line in enumerate(family.samples(source, name)):
            lines.append(line)
            if count % LINES_PER_PIECE == 0:
                yield "".join(lines)
                lines.clear()
        yield "".join(lines)
    yield generate_latest(_process).decode()


_process = CollectorRegistry()
ProcessCollector(registry=_process)


def _of_module(stats: ModuleStats) -> str:
    return f'module="{escaped(stats.name)}"'


def _of_peer(peer: PeerStatus) -> str:
    return f'peer="{escaped(peer.url)}"'


def _by_reason(
    name: str, inner: str, label: str, counts: Mapping[str, int], *, known: tuple[str, ...]
) -> Iterator[str]:
    """Yield a line for each known reason, then for each other reason that has happened."""
    for reason in dict.fromkeys((*known, *counts)):
        text = f'{inner},{label}="{escaped(reason)}"' if inner else f'{label}="{escaped(reason)}"'
        yield sample(name, text, counts.get(reason, 0))


@_family("module_runs_total", "counter", "Runs by how they ended.")
def _runs(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from _by_reason(name, _of_module(stats), "result", stats.results, known=RESULTS)


@_family("module_run_seconds", "histogram", "How long runs took.")
def _run_seconds(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from histogram(name, _of_module(stats), stats.durations)


@_family("module_last_run_timestamp_seconds", "gauge", "When the last run started.")
def _last_run(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        if stats.last_run is not None:
            yield sample(name, _of_module(stats), stats.last_run)


@_family("module_schedule_lag_seconds", "gauge", "How long after its time the last run started.")
def _lag(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield sample(name, _of_module(stats), stats.lag)


@_family("module_skipped_total", "counter", "Times at which a module should have run and did not.")
def _skipped(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from _by_reason(name, _of_module(stats), "reason", stats.skipped, known=SKIPPED)


@_family("measurement", "gauge", "What checks have measured in their last run.")
def _measurements(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        seen = set()
        for item in stats.measurements:
            inner = {"module": stats.name, "name": item.name}
            for key, value in item.labels.items():
                inner[label_name(str(key), _OWN_LABELS)] = str(value)
            text = labels(inner)
            if text not in seen:  # with two equal samples Prometheus refuses the whole scrape
                seen.add(text)
                yield sample(name, text, item.value)


@_family("alerts", "gauge", "Alerts in the ledger by state.")
def _alerts(source: Source, name: str) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for alert in [*source.store.alerts.values()]:
        counts[source.snapshot.state(alert)] += 1
        yield ""
    yield from _by_reason(name, "", "state", counts, known=STATES)


@_family("ledger_bytes", "gauge", "Bytes that the ledger takes on disk.")
def _ledger_bytes(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", source.snapshot.ledger_bytes())


@_family("ledger_dropped_total", "counter", "Alerts that had to be dropped.")
def _dropped(source: Source, name: str) -> Iterator[str]:
    yield from _by_reason(name, "", "reason", source.store.lost, known=LOST)


@_family("peer_pending", "gauge", "Alerts that the Alertmanager has not yet taken.")
def _pending(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), len(source.snapshot.outbox.pending(peer.url)))


@_family(
    "peer_oldest_pending_seconds",
    "gauge",
    "For how long the Alertmanager has been owed something.",
)
def _oldest_pending(source: Source, name: str) -> Iterator[str]:
    now = source.snapshot.clock.now()
    for peer in source.peers:
        pending = source.snapshot.outbox.pending(peer.url)
        yield sample(name, _of_peer(peer), source.snapshot.oldest_pending(peer, pending, now))


@_family("peer_sent_total", "counter", "Alerts that the Alertmanager has taken.")
def _sent(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), peer.sent)


@_family("peer_errors_total", "counter", "Requests that failed, by reason.")
def _errors(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield from _by_reason(name, _of_peer(peer), "reason", peer.errors, known=PEER_ERRORS)


@_family("peer_send_seconds", "histogram", "How long the Alertmanager took.")
def _send_seconds(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield from histogram(name, _of_peer(peer), peer.seconds)


@_family(
    "peer_clock_skew_seconds",
    "gauge",
    "How far the Alertmanager's clock is ahead of this host's.",
)
def _skew(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), peer.skew)


@_family("fallback_outage", "gauge", "1 while no Alertmanager takes what is owed, else 0.")
def _fallback_outage(source: Source, name: str) -> Iterator[str]:
    if last_resort := source.snapshot.fallback():
        yield sample(name, "", 0 if last_resort.record.since is None else 1)


@_family("fallback_sent_total", "counter", "Messages that the fallback has sent.")
def _fallback_sent(source: Source, name: str) -> Iterator[str]:
    if last_resort := source.snapshot.fallback():
        for channel in last_resort.targets:
            yield sample(name, f'channel="{channel}"', last_resort.tally.sent[channel])


@_family("fallback_errors_total", "counter", "Messages that the fallback could not send.")
def _fallback_errors(source: Source, name: str) -> Iterator[str]:
    if last_resort := source.snapshot.fallback():
        for channel in last_resort.targets:
            yield sample(name, f'channel="{channel}"', last_resort.tally.failed[channel])


@_family("quarantined_total", "counter", "Alerts that an Alertmanager refused.")
def _quarantined(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", sum(peer.errors["rejected"] for peer in source.peers))


@_family("abandoned_threads", "gauge", "Threads that were given up, since a call in them hangs.")
def _abandoned(_source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", abandoned_threads())


@_family("channel_used", "gauge", "Messages that wait to be recorded.")
def _channel(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", source.waiting())


@_family("build_info", "gauge", "Always 1; what is running.")
def _build(_source: Source, name: str) -> Iterator[str]:
    inner = {"version": __version__, "python": platform.python_version()}
    yield sample(name, labels(inner), 1)
