"""What an Alertmanager's configuration would do to our alerts."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.doctor.routing.problems import findings, receivers, samples
from supervisor.doctor.routing.routes import read
from supervisor.observations import Duration
from tests.doctor.routing.test_routes import CONFIGS, LEGACY

SERVICE = Service(
    path=Path("Test.toml"),
    service="TEST",
    timezone=ZoneInfo("Asia/Seoul"),
    labels={"host": "test-host", "site": "seoul"},
    modules=(
        Module(check="disk", name="disk", labels={"team": "storage"}),
        Module(check="daily", name="daily", enabled=False),
    ),
    heartbeat=True,
)
GOOD = """\
route:
  receiver: mail
  group_by: [host, check]
  routes:
  - matchers: ['event_id!=""']
    receiver: reports
    group_by: [event_id]
    group_wait: 1s
receivers:
- name: mail
  email_configs: [{send_resolved: true}]
- name: reports
  email_configs: [{send_resolved: false}]
- name: nobody
"""


def said(text: str, service: Service = SERVICE, version: str = "0.28.0") -> list[str]:
    found = findings(read(text), version, service, samples(service))
    return [("" if finding.serious else "note: ") + str(finding) for finding in found]


def test_samples_carry_the_labels_of_module_and_service() -> None:
    found = samples(SERVICE)

    assert [(each.event_type, each.is_report) for each in found] == [
        ("W", False),
        ("E", False),
        ("TE", False),
        ("I", True),
        ("S", True),
        ("TE", False),
        ("I", False),
    ]
    assert found[3].labels == {
        "alertname": "Any",
        "service": "TEST",
        "host": "test-host",
        "site": "seoul",
        "team": "storage",
        "check": "disk",
        "event_type": "I",
        "event_id": "0000000000000000",
    }
    assert found[-1].labels["alertname"] == "Heartbeat"
    assert found[-1].labels["check"] == "supervisor"


def test_each_event_type_has_its_receivers() -> None:
    shipped = read((CONFIGS / "alertmanager.yml").read_text(encoding="utf-8"))

    assert receivers(shipped, samples(SERVICE)) == {
        "W": ("warning-error-team",),
        "E": ("warning-error-team",),
        "TE": ("default",),
        "I": ("info-reports", "dead-mans-switch"),
        "S": ("su-reports",),
    }


def test_the_shipped_configuration_has_no_findings() -> None:
    assert said((CONFIGS / "alertmanager.yml").read_text(encoding="utf-8")) == []


def test_the_legacy_configuration_does_not_tell_reports_apart() -> None:
    assert said(LEGACY.read_text(encoding="utf-8"), version="0.25.0") == [
        "the route to 'info-team' groups reports by service, alertname, event_type: of several "
        "that overlap one may be lost or notified twice; add event_id to its group_by",
        "the route to 'su-team' groups reports by service, alertname, event_type: of several "
        "that overlap one may be lost or notified twice; add event_id to its group_by",
        "note: Alertmanager 0.25.0 counts a mail as sent when the mail server refuses it after "
        "DATA; upgrade it to 0.28 or newer",
    ]


def test_the_defaults_of_alertmanager_are_accepted() -> None:
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("group_by: [event_id]", "group_by: ['...']", []),
        (
            "group_by: [event_id]",
            "group_by: [alertname]",
            [
                "the route to 'reports' groups reports by alertname: of several that overlap one "
                "may be lost or notified twice; add event_id to its group_by"
            ],
        ),
        (
            "group_wait: 1s",
            "group_wait: 30m",
            [
                "the route to 'reports' waits 30m (group_wait), but a report ends after 30m: no "
                "report is ever notified; set its group_wait below 30m, or report_lifetime of the "
                "service file above 30m"
            ],
        ),
        (
            "group_wait: 1s",
            "group_wait: 6m",
            [
                "the route to 'reports' waits 6m (group_wait), but an alert that began and "
                "ended while no Alertmanager could be reached is shown to it for 6m only; set its "
                "group_wait below 6m, or min_visible of the service file above 6m"
            ],
        ),
        (
            "group_wait: 1s",
            "repeat_interval: 30m",
            [
                "the route to 'reports' repeats after 30m (repeat_interval), but a report lasts "
                "30m: it is notified more than once; set its repeat_interval above 30m"
            ],
        ),
        (
            "group_wait: 1s",
            "active_time_intervals: [office]",
            [
                "the route to 'reports' is muted at times: a report made then is never notified; "
                'route reports (event_id!="") to it without mute_time_intervals and '
                "active_time_intervals"
            ],
        ),
        (
            "send_resolved: false",
            "send_resolved: true",
            [
                "note: reports are notified a second time when they end: 'reports' has "
                "send_resolved: true; add a receiver with send_resolved: false and a route to it "
                'with the matcher event_id!=""'
            ],
        ),
        (
            "group_by: [host, check]",
            "group_interval: 10m",
            [
                "the route to 'mail' waits 10m (group_interval), but an alert that began and "
                "ended while no Alertmanager could be reached is shown to it for 6m only; set its "
                "group_interval below 6m, or min_visible of the service file above 10m"
            ],
        ),
        (
            "receiver: reports",
            "receiver: nobody",
            [
                "alerts of type I reach the receiver 'nobody', which has no integration; give "
                "'nobody' an email_configs, or add a route with the matcher event_type=\"I\" to a "
                "receiver that has one",
                "alerts of type S reach the receiver 'nobody', which has no integration; give "
                "'nobody' an email_configs, or add a route with the matcher event_type=\"S\" to a "
                "receiver that has one",
            ],
        ),
        (
            "route:",
            "global: {resolve_timeout: 50s}\nroute:",
            [
                "note: resolve_timeout is 50s: an alert without an end, such as the legacy agent "
                "sends, is resolved before it is sent again; set resolve_timeout in the section "
                "global to 5m, or at least above 1m"
            ],
        ),
    ],
)
def test_settings_that_lose_or_repeat_alerts_are_named(
    old: str, new: str, expected: list[str]
) -> None:
    assert old in GOOD

    assert said(GOOD.replace(old, new, 1)) == expected


def test_a_top_route_that_matches_nothing_is_named() -> None:
    found = said("route: {receiver: a, matchers: ['x=y']}\nreceivers: [{name: a}]")

    assert found[0] == "alerts of type W match no route; remove the matchers from the top route"


def test_the_limits_are_those_of_the_service() -> None:
    patient = evolve(
        SERVICE,
        report_lifetime=Duration(5 * 3600),
        alertmanager=Alertmanager(min_visible=Duration(200)),
    )

    assert [line.split(",")[0] for line in said(GOOD, patient)] == [
        "the route to 'mail' waits 5m (group_interval)",
        "the route to 'reports' repeats after 4h (repeat_interval)",
    ]


@pytest.mark.parametrize(
    ("version", "count"),
    [("0.25.0", 1), ("0.27.9", 1), ("0.28.0-rc.0", 0), ("0.28.1", 0), ("1.0.0", 0), ("", 0)],
)
def test_an_alertmanager_before_0_28_is_named(version: str, count: int) -> None:
    assert len(said(GOOD, version=version)) == count
    assert said(GOOD.replace("email_configs", "webhook_configs"), version=version) == []
