"""The ends of silenced alerts, with real Alertmanagers and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mailing import ShippedAlertmanager, cluster
from tests.e2e.servers import SmtpSink
from tests.e2e.silenced_host import Host, amtool, host

__all__ = ["host"]  # a fixture

ROUNDS = 3
"""How often alerts fire, are silenced, and end. Before the second end the supervisor is killed."""

KEPT = {count: tuple(f"kept{count}{letter}" for letter in "abc") for count in range(ROUNDS)}
"""Modules whose alerts the test silences with `--until-resolved`, by round.

Each is used once. In a cluster, one that fires again within `--cluster.peer-timeout` after its end
may be mailed as resolved by the peer that waited.
"""

LOST = {count: tuple(f"lost{count}{letter}" for letter in "abc") for count in range(ROUNDS)}
"""Modules whose alerts the test silences with `amtool`, by round."""

LAST = tuple(f"last{count}" for count in range(ROUNDS))
"""Modules whose mails show that all earlier ones of their round have come."""


@pytest.fixture(params=[1, 2], ids=["alone", "cluster of two"])
def peers(
    request: pytest.FixtureRequest, tmp_path: Path, smtp_sink: SmtpSink
) -> Iterator[list[ShippedAlertmanager]]:
    smarthost = f"127.0.0.1:{smtp_sink.port}"
    if request.param == 1:
        home = tmp_path / "alone"
        home.mkdir()
        servers = [ShippedAlertmanager(home, smarthost)]
    else:
        servers = cluster(tmp_path, smarthost, request.param)
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.stop()


def test_the_end_of_what_was_silenced_until_resolved_is_mailed_and_never_without(
    host: Host, peers: list[ShippedAlertmanager]
) -> None:
    kept = [name for names in KEPT.values() for name in names]
    lost = [name for names in LOST.values() for name in names]
    host.configure([peer.url for peer in peers], *kept, *lost, *LAST)
    host.supervisor.start()
    for count in range(ROUNDS):
        names = (*KEPT[count], *LOST[count])
        host.break_(*names)
        host.wait_for_mails(*names)
        for name in KEPT[count]:
            (silence,) = host.silences(name, "--until-resolved", "--reason=4711")["silences"]
            assert silence["peers"] == [peer.url for peer in peers]
        for name in LOST[count]:
            amtool(peers[0].url, "silence", "add", f"check={name}", "-d1h", "-cby hand")
        if count == 1:
            host.supervisor.kill()
            host.supervisor.start()
        host.mend(*names)
        host.wait_for_ends(*KEPT[count])
        host.break_(LAST[count])
        host.wait_for_mails(LAST[count])
        host.mend(LAST[count])
        host.wait_for_ends(LAST[count])

    left = amtool(peers[0].url, "silence", "query", "-q").split()
    assert len(left) == len(lost), "those that amtool made last on"
    assert [host.ended(name) for name in kept] == [1] * 9
    assert [host.ended(name) for name in lost] == [0] * 9
    assert [host.mailed(name) for name in kept + lost] == [1] * 18
