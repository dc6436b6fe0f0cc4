"""What `/metrics` shows: every number that the supervisor keeps, read where it is kept.

Written by hand, piece by piece: prometheus-client's own objects would cost 6.5 KB for each
module, and one scrape of 10,000 modules would hold up the loop for seconds.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

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

SLICE = 300
"""So many lines are written at a time, in about a millisecond; then others have their turn."""

SKIPPED = ("late", "running")
LOST = ("evicted", "refused", "rejected")
"""Reasons that are shown before they have happened, so that `rate` sees the first time."""

_PREFIX = "supervisor_"
_OWN_LABELS = frozenset({"module", "name"})


@frozen
class Source:
    """Where the numbers are read; `waiting` counts what waits to be recorded."""

    snapshot: Snapshot
    waiting: Callable[[], int]

    @property
    def store(self) -> Store:
        return self.snapshot.store

    @property
    def modules(self) -> list[ModuleStats]:
        return [*self.snapshot.stats.values()]

    @property
    def peers(self) -> tuple[PeerStatus, ...]:
        return self.snapshot.peers()


@frozen
class Family:
    """One metric. `samples` yields its lines, given its full name."""

    name: str
    kind: str
    text: str
    samples: Callable[[Source, str], Iterator[str]]


def pieces(source: Source) -> Iterator[str]:
    """Yield the whole exposition in pieces that each take about a millisecond."""
    for family in FAMILIES:
        name = _PREFIX + family.name
        lines = [head(name, family.kind, family.text)]
        for count, line in enumerate(family.samples(source, name)):
            lines.append(line)
            if count % SLICE == 0:
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


def _counted(
    name: str, inner: str, label: str, counts: Mapping[str, int], known: tuple[str, ...]
) -> Iterator[str]:
    """Yield a line for each known reason, and for those that have come up beside them."""
    for reason in dict.fromkeys((*known, *counts)):
        text = f'{inner},{label}="{escaped(reason)}"' if inner else f'{label}="{escaped(reason)}"'
        yield sample(name, text, counts.get(reason, 0))


def _runs(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from _counted(name, _of_module(stats), "result", stats.results, RESULTS)


def _run_seconds(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from histogram(name, _of_module(stats), stats.durations)


def _last_run(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        if stats.last_run is not None:
            yield sample(name, _of_module(stats), stats.last_run)


def _lag(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield sample(name, _of_module(stats), stats.lag)


def _skipped(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        yield from _counted(name, _of_module(stats), "reason", stats.skipped, SKIPPED)


def _measurements(source: Source, name: str) -> Iterator[str]:
    for stats in source.modules:
        seen = set()
        for item in stats.measurements:
            inner = {"module": stats.name, "name": item.name}
            for key, value in item.labels.items():
                inner[label_name(str(key), _OWN_LABELS)] = str(value)
            text = labels(inner)
            if text not in seen:  # a sample that comes twice would spoil the whole scrape
                seen.add(text)
                yield sample(name, text, item.value)


def _alerts(source: Source, name: str) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for alert in [*source.store.alerts.values()]:
        counts[source.snapshot.state(alert)] += 1
        yield ""
    yield from _counted(name, "", "state", counts, STATES)


def _ledger_bytes(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", source.snapshot.ledger_bytes())


def _dropped(source: Source, name: str) -> Iterator[str]:
    yield from _counted(name, "", "reason", source.store.lost, LOST)


def _pending(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), len(source.snapshot.outbox.pending(peer.url)))


def _oldest_pending(source: Source, name: str) -> Iterator[str]:
    now = source.snapshot.clock.now()
    for peer in source.peers:
        pending = source.snapshot.outbox.pending(peer.url)
        yield sample(name, _of_peer(peer), source.snapshot.oldest_pending(peer, pending, now))


def _sent(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), peer.sent)


def _errors(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield from _counted(name, _of_peer(peer), "reason", peer.errors, ("connect", "transport"))


def _send_seconds(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield from histogram(name, _of_peer(peer), peer.seconds)


def _skew(source: Source, name: str) -> Iterator[str]:
    for peer in source.peers:
        yield sample(name, _of_peer(peer), peer.skew)


def _quarantined(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", sum(peer.errors["rejected"] for peer in source.peers))


def _abandoned(_source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", abandoned_threads())


def _channel(source: Source, name: str) -> Iterator[str]:
    yield sample(name, "", source.waiting())


def _build(_source: Source, name: str) -> Iterator[str]:
    inner = {"version": __version__, "python": platform.python_version()}
    yield sample(name, labels(inner), 1)


FAMILIES = (
    Family("module_runs_total", "counter", "Runs by how they ended.", _runs),
    Family("module_run_seconds", "histogram", "How long runs took.", _run_seconds),
    Family("module_last_run_timestamp_seconds", "gauge", "When the last run started.", _last_run),
    Family(
        "module_schedule_lag_seconds",
        "gauge",
        "How long after its time the last run started.",
        _lag,
    ),
    Family(
        "module_skipped_total",
        "counter",
        "Times at which a module should have run and did not.",
        _skipped,
    ),
    Family("measurement", "gauge", "What checks have measured in their last run.", _measurements),
    Family("alerts", "gauge", "Alerts in the ledger by state.", _alerts),
    Family("ledger_bytes", "gauge", "Bytes that the ledger takes on disk.", _ledger_bytes),
    Family("ledger_dropped_total", "counter", "Alerts that had to be dropped.", _dropped),
    Family("peer_pending", "gauge", "Alerts that the Alertmanager has not yet taken.", _pending),
    Family(
        "peer_oldest_pending_seconds",
        "gauge",
        "For how long the Alertmanager has been owed something.",
        _oldest_pending,
    ),
    Family("peer_sent_total", "counter", "Alerts that the Alertmanager has taken.", _sent),
    Family("peer_errors_total", "counter", "Requests that failed, by reason.", _errors),
    Family("peer_send_seconds", "histogram", "How long the Alertmanager took.", _send_seconds),
    Family(
        "peer_clock_skew_seconds",
        "gauge",
        "How far the Alertmanager's clock is ahead of this host's.",
        _skew,
    ),
    Family("quarantined_total", "counter", "Alerts that an Alertmanager refused.", _quarantined),
    Family(
        "abandoned_threads",
        "gauge",
        "Threads that were given up, since a call in them hangs.",
        _abandoned,
    ),
    Family("channel_used", "gauge", "Messages that wait to be recorded.", _channel),
    Family("build_info", "gauge", "Always 1; what is running.", _build),
)
