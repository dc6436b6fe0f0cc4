"""What an Alertmanager's own status and metrics say."""

from __future__ import annotations

import json

import pytest

from supervisor.doctor.peer_metrics import (
    AlertmanagerStatus,
    StatusUnreadable,
    findings,
    read_metrics,
    read_status,
)

HEALTHY = """\
# HELP alertmanager_cluster_members Number indicating current number of members in cluster.
# TYPE alertmanager_cluster_members gauge
alertmanager_cluster_members 3
alertmanager_cluster_enabled 1
alertmanager_cluster_failed_peers 0
alertmanager_config_last_reload_successful 1
alertmanager_notifications_total{integration="email"} 40
alertmanager_notifications_failed_total{integration="email"} 0
alertmanager_notification_requests_total{integration="email"} 41
alertmanager_notification_requests_failed_total{integration="email"} 0
"""


def said(changes: dict[str, str], peers: int = 3) -> list[str]:
    text = HEALTHY
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    found = findings(read_metrics(text), peers)
    return [("" if each.serious else "note: ") + str(each) for each in found]


def test_the_status_tells_version_and_configuration() -> None:
    body = {"versionInfo": {"version": "0.25.0"}, "config": {"original": "route: {}"}}

    assert read_status(json.dumps(body).encode()) == AlertmanagerStatus("0.25.0", "route: {}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"versionInfo":{"version":1},"config":{"original":""}}',
        b"[" * 9999,
    ],
)
def test_a_status_of_something_else_is_refused(body: bytes) -> None:
    with pytest.raises(StatusUnreadable):
        read_status(body)


def test_metrics_are_added_up_by_integration() -> None:
    text = """\
alertmanager_notifications_failed_total{integration="email",reason="clientError"} 2
alertmanager_notifications_failed_total{integration="email",reason="other"} 1.5e+01 1700000000
alertmanager_notifications_failed_total{integration="web hook",receiver_name="a}b"} 4
alertmanager_alerts{state="active"} 7
alertmanager_config_last_reload_successful 1
alertmanager_broken one
alertmanager_cut{integ
go_goroutines 5
"""

    assert read_metrics(text) == {
        "alertmanager_notifications_failed_total": {"email": 17.0, "web hook": 4.0},
        "alertmanager_alerts": {"": 7.0},
        "alertmanager_config_last_reload_successful": {"": 1.0},
    }


@pytest.mark.parametrize(
    "line",
    [
        "alertmanager_huge " + "9" * 400,
        'alertmanager_long{reason="' + "x" * 5000 + '"} 1',
        "alertmanager_twice 1 # {",
        'alertmanager_open{reason="',
        "alertmanager_alerts 1_0",
    ],
)
def test_a_line_that_cannot_be_read_is_skipped(line: str) -> None:
    assert read_metrics(f"{line}\n{HEALTHY}") == read_metrics(HEALTHY)


def test_a_healthy_peer_gives_no_finding() -> None:
    assert said({}) == []


LOOK = (
    "look in its log for 'Notify for alerts failed' and 'Notify attempt failed', which give the "
    "reason"
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {'ns_failed_total{integration="email"} 0': 'ns_failed_total{integration="email"} 4'},
            [f"4 of 40 notifications by email have failed since it started; {LOOK}"],
        ),
        (
            {'ns_failed_total{integration="email"} 0': 'ns_failed_total{integration="email"} 3'},
            [f"note: 3 of 40 notifications by email have failed since it started; {LOOK}"],
        ),
        (
            {'ts_failed_total{integration="email"} 0': 'ts_failed_total{integration="email"} 41'},
            [f"41 of 41 attempts to notify by email have failed since it started; {LOOK}"],
        ),
        (
            {"reload_successful 1": "reload_successful 0"},
            [
                "its configuration file has an error: it still uses the configuration from before; "
                "run amtool check-config on that file, correct it, and reload"
            ],
        ),
        (
            {"_members 3": "_members 2", "failed_peers 0": "failed_peers 1"},
            [
                "it sees 2 of the 3 peers in urls: events may be notified twice; give it a "
                "--cluster.peer for each other peer, and let port 9094 pass by TCP and UDP",
                "note: it has lost 1 of its cluster's peers; look whether they run",
            ],
        ),
        (
            {"alertmanager_cluster_members 3\n": "", "enabled 1": "enabled 0"},
            [
                "it is not in a cluster, but urls has 3 peers: each of them notifies of each "
                "event; start it with --cluster.listen-address and a --cluster.peer for each other "
                "peer"
            ],
        ),
        (
            {"_members 3": "_members 4"},
            [
                "its cluster has 4 members, but urls has 3: the supervisor does not post to every "
                "member, and the others do not notify; write every member in urls of the service "
                "file"
            ],
        ),
        (
            {"# HELP": "alertmanager_alerts_limited_total 7\n# HELP"},
            [
                "it has dropped 7 alerts that it had accepted; raise --alerts.per-alertname-limit, "
                "or leave it out"
            ],
        ),
        (
            {
                "# HELP": "alertmanager_dispatcher_aggregation_group_limit_reached_total 1\n"
                "alertmanager_dispatcher_aggregation_group_creation_given_up_total 2\n# HELP"
            },
            [
                "it has dropped 1 alerts that it had accepted: more groups than it may have; raise "
                "its limit of aggregation groups, or let group_by of its routes name fewer labels",
                "it has dropped 2 alerts that it had accepted: it was too busy to group them; give "
                "it more processors, or let group_by of its routes name fewer labels",
            ],
        ),
        (
            {"# HELP": "alertmanager_nflog_maintenance_errors_total 1\n# HELP"},
            [
                "it cannot write to disk what it has notified (nflog): a restart notifies again; "
                "make the directory --storage.path writable, and make room in it"
            ],
        ),
    ],
)
def test_what_fails_is_named(changes: dict[str, str], expected: list[str]) -> None:
    assert said(changes) == expected


def test_a_single_peer_needs_no_cluster() -> None:
    assert said({"_members 3": "_members 1"}, peers=1) == []
    assert said({"alertmanager_cluster_members 3\n": "", "enabled 1": "enabled 0"}, peers=1) == []
