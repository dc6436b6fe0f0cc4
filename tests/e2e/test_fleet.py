"""Three hosts below one Alertmanager and one Prometheus, all real and with the shipped files.

`scripts/bench fleet` does the same with fifty hosts and the intervals as shipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e import grafana
from tests.e2e.fleet import Fleet, Settings
from tests.e2e.servers import wait_for

SETTINGS = Settings(
    hosts=3,
    modules=6,
    every="1s",
    look="1s",
    resend="60s",
    scrape="1s",
    patience="1s",
    repeat="1s",
    wait="1s",
)
LONG = 30
"""Seconds: what takes two on an idle machine."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet.running(tmp_path_factory.mktemp("fleet"), SETTINGS) as fleet:
        yield fleet


def test_prometheus_sees_every_host_by_the_name_that_its_alerts_have(fleet: Fleet) -> None:
    up = 'up{job="supervisor"}'
    wait_for(lambda: fleet.prometheus.value(f"sum({up})") == 3, LONG, "not all are up")
    seen = {each["metric"]["host"] for each in fleet.prometheus.instant(up)}
    server = fleet.alertmanagers[0]
    wait_for(lambda: server.names().count("Heartbeat") == 4, LONG, "not all hearts beat")
    names = {host.name for host in fleet.hosts}
    everyone = names | {"prometheus"}
    wait_for(lambda: fleet.heartbeats().keys() == everyone, LONG, "not all are heard")

    assert seen == names


def test_a_fault_that_all_hosts_see_is_mailed_for_each_of_them_or_once_for_all(
    fleet: Fleet,
) -> None:
    names = {host.name for host in fleet.hosts}
    together, over = "Connection failed (3)", "[RESOLVED] FLEET - E, Connection failed"
    fleet.gateway.close()
    wait_for(lambda: fleet.mails("gateway").keys() == names, LONG, "not all are mailed")
    fleet.shared.close()
    wait_for(lambda: fleet.count(together), LONG, "not mailed together")
    fleet.gateway.open()
    fleet.shared.open()
    wait_for(lambda: fleet.mails("gateway", resolved=True).keys() == names, LONG, "not resolved")
    wait_for(lambda: fleet.count(over) == 4, LONG, "not resolved")

    assert fleet.mails("gateway") == dict.fromkeys(names, 1)
    assert fleet.mails("gateway", resolved=True) == dict.fromkeys(names, 1)


def test_what_fires_while_alertmanager_is_away_is_mailed_when_it_is_back(fleet: Fleet) -> None:
    server, before = fleet.alertmanagers[0], fleet.mails("gateway")
    server.stop()
    fleet.gateway.close()
    failed = "count(sum by (host) (supervisor_peer_errors_total) > 0)"
    wait_for(lambda: fleet.prometheus.value(failed) == 3, LONG, "no errors are counted")
    server.start()
    wait_for(lambda: len(fleet.mails("gateway") - before) == 3, LONG, "not all are mailed")


def test_every_panel_of_the_dashboards_shows_something(fleet: Fleet) -> None:
    """Also those of what goes wrong: a check fails, and a server was away."""

    def empty() -> list[grafana.Answered]:
        end = time.time()
        found = list(grafana.answers(fleet.prometheus, end - 300, end, 1))
        assert len(found) == 43
        return [each for each in found if not each.series]

    wait_for(lambda: not empty(), LONG, "a panel is empty", lambda: str(empty()))


def test_a_host_that_dies_is_mailed_and_what_fired_there_does_not_seem_resolved(
    fleet: Fleet,
) -> None:
    victim, server = fleet.hosts[0], fleet.alertmanagers[0]
    victim.kill()
    wait_for(lambda: fleet.count("SupervisorDown"), LONG, "nobody misses it")

    def suppressed() -> set[str]:
        return {
            each["labels"]["alertname"]
            for each in server.alerts()
            if each["labels"].get("host") == victim.name and each["status"]["state"] == "suppressed"
        }

    wait_for(lambda: "Connection failed" in suppressed(), LONG, "it is not held back")
    assert fleet.count(f"{victim.name} - TE, SupervisorDown") == 1
