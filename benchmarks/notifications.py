"""How many mails each event makes, with the shipped configuration and its intervals.

`scripts/bench notifications`: four scenarios at the same time, about five minutes. Prints how many
mails are expected and how many came. Exits with 1 if these differ.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from tests.e2e.mailing import MailboxSink, ShippedAlertmanager, alert, cluster, subjects

TYPES = ("W", "E", "I", "S", "TE", "X")
"""Event types; X is unknown to the routes."""

FLUSHES = 150
"""Seconds in which a server flushes each group twice (group_wait 10 s, group_interval 1 min)."""

PEERS_WAIT = 30
"""Seconds by which the third peer notifies later than the first."""


@frozen
class Outcome:
    """The mails of a scenario."""

    scenario: str
    least: int
    """Mails that there must be."""
    most: int
    """Mails that there may be."""
    subjects: list[str]
    """Of the mails that there are."""

    @property
    def is_right(self) -> bool:
        return self.least <= len(self.subjects) <= self.most

    def __str__(self) -> str:
        expected = str(self.least) if self.least == self.most else f"{self.least}-{self.most}"
        mark = "" if self.is_right else "  WRONG: " + ", ".join(self.subjects)
        return f"{self.scenario:<62} {expected:>8} {len(self.subjects):>8}{mark}"


def events() -> list[dict[str, Any]]:
    """Return a condition and a report of each event type, which all begin now."""
    begun = datetime.now(UTC)
    conditions = [alert("Condition", kind, begun=begun, check=kind) for kind in TYPES]
    reports = [alert("Report", kind, begun=begun, event_id=kind) for kind in TYPES]
    return conditions + reports


def post(servers: Iterable[ShippedAlertmanager], alerts: list[dict[str, Any]]) -> None:
    for server in servers:
        server.post(*alerts)


def each_type(directory: Path, sink: MailboxSink) -> list[Outcome]:
    """Run one server: everything fires, then the conditions resolve."""
    (server,) = servers(directory, sink, 1)
    alerts = events()
    post([server], alerts)
    time.sleep(FLUSHES)
    fired = subjects(sink.mails)
    now = datetime.now(UTC).isoformat()
    post([server], [{**each, "endsAt": now} for each in alerts])
    time.sleep(FLUSHES)
    resolved = [each for each in subjects(sink.mails) if each.startswith("[RESOLVED]")]
    server.stop()
    return [
        Outcome("6 conditions and 6 reports, one server", 12, 12, fired),
        Outcome("… the conditions resolve, the reports end", 6, 6, resolved),
    ]


def in_a_cluster(directory: Path, sink: MailboxSink) -> list[Outcome]:
    """Run three servers without a fault."""
    peers = servers(directory, sink, 3)
    post(peers, events())
    time.sleep(FLUSHES + PEERS_WAIT)
    for peer in peers:
        peer.stop()
    return [Outcome("6 conditions and 6 reports, three servers", 12, 12, subjects(sink.mails))]


def first_is_killed(directory: Path, sink: MailboxSink) -> list[Outcome]:
    """Run three servers; kill the first one before it has mailed the conditions."""
    peers = servers(directory, sink, 3)
    first, *others = sorted(peers, key=lambda peer: peer.metric("alertmanager_peer_position"))
    post(peers, events())
    first.stop()
    time.sleep(FLUSHES + PEERS_WAIT)
    for peer in others:
        peer.stop()
    # Reports wait for 1 s only, so the first may have mailed them without telling its peers.
    return [Outcome("… the first of them is killed at once", 12, 24, subjects(sink.mails))]


def mail_server_is_away(directory: Path, sink: MailboxSink) -> list[Outcome]:
    """Run one server, and a mail server that comes back after two flushes."""
    (server,) = servers(directory, sink, 1)
    sink.kill()
    post([server], [each for each in events() if "event_id" in each["labels"]])
    time.sleep(FLUSHES)
    sink.start()
    time.sleep(FLUSHES)
    server.stop()
    return [Outcome("6 reports, the mail server is away for 2.5 min", 6, 6, subjects(sink.mails))]


def servers(directory: Path, sink: MailboxSink, count: int) -> list[ShippedAlertmanager]:
    """Start servers whose peer timeout is that of Alertmanager's default."""
    found = cluster(directory, f"127.0.0.1:{sink.port}", count)
    for server in found:
        flags = (flag for flag in server.flags if not flag.startswith("--cluster.peer-timeout"))
        server.flags = tuple(flags) if count > 1 else ("--cluster.listen-address=",)
        server.intervals = {}
        server.start()
    deadline = time.monotonic() + 30
    while any(server.metric("alertmanager_cluster_members") not in (0, count) for server in found):
        assert time.monotonic() < deadline, "no cluster"
        time.sleep(0.2)
    return found


def run(scenario: Callable[[Path, MailboxSink], list[Outcome]]) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as name:
        sink = MailboxSink(Path(name) / "mails")
        sink.start()
        try:
            return scenario(Path(name), sink)
        finally:
            sink.kill()


def main() -> int:
    scenarios = (each_type, in_a_cluster, first_is_killed, mail_server_is_away)
    print(f"{'scenario':<62} {'expected':>8} {'counted':>8}")
    with ThreadPoolExecutor(len(scenarios)) as pool:
        outcomes = [outcome for found in pool.map(run, scenarios) for outcome in found]
    for outcome in outcomes:
        print(outcome)
    return 0 if all(outcome.is_right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
