"""A silence made while no Alertmanager answers: kept, and made before anything is mailed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mailing import ShippedAlertmanager, cluster
from tests.e2e.servers import SmtpSink, wait_for
from tests.e2e.silenced_host import Host, amtool, host, status

__all__ = ["host"]  # a fixture


@pytest.fixture
def peers(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[list[ShippedAlertmanager]]:
    """Two Alertmanagers of one cluster, which are down."""
    servers = cluster(tmp_path, f"127.0.0.1:{smtp_sink.port}", 2)
    yield servers
    for server in servers:
        server.stop()


def test_what_is_silenced_while_no_alertmanager_answers_is_never_mailed(
    host: Host, peers: list[ShippedAlertmanager]
) -> None:
    urls = [peer.url for peer in peers]
    host.configure(urls, "quiet", "brief", "loud")
    host.supervisor.start()
    host.break_("quiet", "brief", "loud")
    wait_for(lambda: host.supervisor.log.count("FIRING") == 3, 30, "they do not fire")
    done = host.silence("quiet", "--for=2h", "--reason=RAID rebuild", SUDO_USER="kim")
    host.silence("brief", "--until-resolved", "--reason=4711")
    assert "kept here until an Alertmanager answers" in done.stdout
    assert "silences now: " in done.stdout
    assert all(url in done.stderr for url in urls)
    assert "by kim: RAID rebuild" in status(host)

    host.supervisor.kill()
    host.supervisor.start()
    waiting = host.silences("--list", code=1)["silences"]
    assert [(each["state"], each["peers"]) for each in waiting] == [("waiting", [])] * 2
    for peer in peers:
        peer.start()
    host.wait_for_mails("loud")
    wait_for(lambda: [*host.supervisor.directory.glob("state/silences*")] == [], 60, "it waits")
    assert len(amtool(urls[1], "silence", "query", "-q").split()) == 2  # once in the cluster

    host.mend("quiet", "brief", "loud")
    host.wait_for_ends("loud")
    assert [host.mailed(name) for name in ("quiet", "brief")] == [0, 0]
    assert host.ended("quiet") == 0
    assert len(amtool(urls[0], "silence", "query", "-q").split()) == 1, "brief has ended"


def test_one_that_waits_can_be_ended(host: Host, peers: list[ShippedAlertmanager]) -> None:
    host.configure([peer.url for peer in peers], "disk")
    host.supervisor.start()
    text = host.silence("disk", "--for=2h", "--reason=x").stdout
    (identity,) = re.findall(r"(?m)^waiting-\w+", text)
    ended = host.silence("--end", identity)
    again = host.silence("--end", identity, code=1)

    assert "ended" in ended.stdout
    assert f"has a silence {identity}" in again.stderr
    assert host.silences("--list", code=1)["silences"] == []
    assert json.loads(status(host, "--json"))["alerts"] == []
