"""The routing tree, read from an Alertmanager's own YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.doctor.routing.matchers import Matcher
from supervisor.doctor.routing.routes import Integration, Route, Routing, RoutingUnreadable, read

CONFIGS = Path(__file__).parents[3] / "configs" / "alertmanager"
LEGACY = Path(__file__).parents[2] / "e2e" / "legacy-alertmanager.yml"

TREE = """\
global:
  resolve_timeout: 2m
route:
  receiver: top
  group_by: [a, b]
  group_interval: 1m30s
  routes:
  - match: {team: x}
    match_re: {kind: W|E}
    matchers: ['n!=""', 'm="1",o=~"2"']
    continue: true
    group_wait: 0s
    routes:
    - receiver: inner
      group_by: ['...']
      repeat_interval: 1d12h
      mute_time_intervals: [nights]
  - receiver: second
receivers:
- name: top
  email_configs:
  - send_resolved: false
    to: a@example.invalid
  webhook_configs:
  - send_resolved: true
    url: <secret>
- name: inner
- name: second
"""


def test_a_route_inherits_what_it_does_not_say() -> None:
    routing = read(TREE)

    inner = Route("inner", ("...",), 0.0, 90.0, 129600.0, muted=True)
    first = Route(
        "top",
        ("a", "b"),
        0.0,
        90.0,
        14400.0,
        matchers=(
            Matcher("team", "=", "x"),
            Matcher("kind", "=~", "W|E"),
            Matcher("n", "!=", ""),
            Matcher("m", "=", "1"),
            Matcher("o", "=~", "2"),
        ),
        goes_on=True,
        routes=(inner,),
    )
    second = Route("second", ("a", "b"), 30.0, 90.0, 14400.0)
    assert routing == Routing(
        root=Route("top", ("a", "b"), 30.0, 90.0, 14400.0, routes=(first, second)),
        receivers={
            "top": (Integration("email"), Integration("webhook", send_resolved=True)),
            "inner": (),
            "second": (),
        },
        resolve_timeout=120.0,
    )


def test_an_alert_takes_the_first_route_that_matches_and_those_after_one_that_goes_on() -> None:
    routing = read(TREE)
    labels = {"team": "x", "kind": "W", "n": "1", "m": "1", "o": "2"}

    both = [route.receiver for route in routing.reached(labels)]
    one = [route.receiver for route in routing.reached({**labels, "kind": "I"})]

    assert both == ["inner", "second"]
    assert one == ["second"]


def test_an_alert_that_matches_no_child_stays_with_the_parent() -> None:
    routing = read("route: {receiver: top, routes: [{match: {a: b}, receiver: child}]}")

    assert [route.receiver for route in routing.reached({})] == ["top"]


def test_the_shipped_configuration_is_understood() -> None:
    routing = read((CONFIGS / "alertmanager.yml").read_text(encoding="utf-8"))

    (report,) = routing.reached({"event_type": "I", "event_id": "1"})
    (condition,) = routing.reached({"event_type": "TE"})
    assert (report.receiver, report.group_wait, report.repeat_interval) == (
        "info-reports",
        1.0,
        345600.0,
    )
    assert (condition.receiver, condition.group_by) == ("default", ("host", "service", "check"))
    assert routing.receivers["info-reports"] == (Integration("email", send_resolved=False),)


def test_the_legacy_configuration_is_understood() -> None:
    routing = read(LEGACY.read_text(encoding="utf-8"))

    found = {
        kind: [route.receiver for route in routing.reached({"event_type": kind})]
        for kind in ("W", "E", "I", "S", "TE")
    }
    assert found == {
        "W": ["warning-error-team"],
        "E": ["warning-error-team"],
        "I": ["info-team"],
        "S": ["su-team"],
        "TE": ["default"],
    }


def test_tabs_are_read_where_alertmanager_reads_them() -> None:
    routing = read("route:\t# the root\n  receiver: mail\t# of all\nreceivers: [{name:\tmail}]\n")

    assert ("mail", {"mail": ()}) == (routing.root.receiver, routing.receivers)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the configuration is not a table"),
        ("a: [", "as YAML"),
        ("a: 1", "route is not a table"),
        ("route: {group_wait: 5}", "'5' as a duration"),
        ("route: {group_wait: [5]}", "not a text"),
        ("route: {routes: {a: b}}", "not a list"),
        ("route: {routes: [5]}", "routes is not a table"),
        ("route: {match: [a]}", "match is not a table"),
        ("route: {matchers: ['a']}", "the matcher 'a'"),
        ("route: {match_re: {a: '('}}", "the regular expression"),
        ("route: {}\nreceivers: [5]", "receivers is not a table"),
        ("route: &a {routes: [*a]}", "as YAML: found unconstructable recursive node"),
        ("route: " + "{routes: [" * 5000, "as YAML: it is nested too deeply"),
    ],
)
def test_an_invalid_configuration_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(RoutingUnreadable, match=wrong):
        read(text)
