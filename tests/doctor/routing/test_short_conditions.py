"""Conditions that may be over too soon for a peer, and event types that it does not know."""

from __future__ import annotations

from typing import ClassVar

import pytest
from attrs import evolve, frozen

from supervisor.config.limits.limit import Limit
from supervisor.config.service import Module
from supervisor.doctor.routing.routes import read
from supervisor.doctor.routing.short_conditions import shortest_condition
from supervisor.observations import Duration
from tests.doctor.routing.test_problems import SERVICE, said

ROUTES = """\
route:
  receiver: mail
  group_by: [host, check]
  group_wait: 10s
  routes:
  - matchers: ['event_id!=""']
    receiver: reports
    group_by: [event_id]
    group_wait: 1s
  - matchers: ['event_type=~"W|E"']
    receiver: team
  - matchers: ['event_type="S"', 'team="slow"']
    receiver: slow
    group_wait: 2m
  - matchers: ['event_type="E"', 'team="never"']
    receiver: slow
receivers:
- name: mail
  email_configs: [{send_resolved: true}]
- name: team
  email_configs: [{send_resolved: true}]
- name: slow
  email_configs: [{send_resolved: true}]
- name: reports
  email_configs: [{send_resolved: false}]
"""


@frozen
class Item:
    event_type: str = "W"


@frozen
class Params:
    items: tuple[Item | Limit[int], ...] = ()
    failed_event_type: str = ""
    past_events: ClassVar[frozenset[str]] = frozenset()


@frozen
class LogParams:
    past_events: ClassVar[frozenset[str]] = frozenset({"Log lines"})


def module(name: str = "disk", every: float | None = 3, **settings: object) -> Module:
    seconds = None if every is None else Duration(every)
    return Module("disk", name, every=seconds, **settings)  # type: ignore[arg-type]  # by keyword


def doctor(*modules: Module) -> list[str]:
    return said(ROUTES, evolve(SERVICE, modules=modules, heartbeat=False))


def test_a_module_whose_conditions_may_be_over_too_soon_is_named() -> None:
    assert doctor(module(), module("slow", 60)) == [
        "note: module disk: a condition that is over after 3s is not mailed: the route to 'team' "
        "waits 10s (group_wait); write clear_after = 4 for the module, or a shorter group_wait "
        "for the route"
    ]


def test_the_remedy_helps() -> None:
    assert doctor(module(clear_after=4), module("b", clear_after=11.0)) == []


def test_what_is_held_is_named_apart() -> None:
    (found,) = doctor(module(params=LogParams()))

    assert "is not mailed (Log lines apart, which is held for min_visible): " in found


def test_each_route_counts_that_a_module_reaches() -> None:
    items = Params(items=(Item("S"),))
    (found,) = doctor(module("disk", 60, labels={"team": "slow"}, params=items))

    assert "is over after 1m is not mailed: the route to 'slow' waits 2m" in found
    assert "write clear_after = 3" in found


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"every": 5}, 5),
        ({"every": 5, "clear_after": 3}, 15),
        ({"every": 5, "clear_after": 12.0}, 15),
        ({"every": None, "at": ("09:00",)}, 86400),
        ({"every": None, "at": ("09:00", "09:02", "21:00")}, 120),
        ({"every": None, "at": ("23:59", "00:01")}, 120),
        ({"every": 300, "at": ("22:00-02:00",)}, 300),
    ],
)
def test_a_condition_lasts_until_the_runs_that_clear_it(
    settings: dict[str, object], seconds: float
) -> None:
    assert shortest_condition(module(**settings)) == seconds  # type: ignore[arg-type]  # any of them


def test_an_event_type_that_no_route_knows_is_named_with_the_nearest_one() -> None:
    params = Params(items=(Item("E"), Item("e")), failed_event_type="CRITICAL")

    assert doctor(module("a", 60, params=params)) == [
        "note: no route knows the event type e of module a: it goes to the receiver of the route "
        'above; write E, or add a route with the matcher event_type="e"',
        "note: no route knows the event type CRITICAL of module a: it goes to the receiver of the "
        'route above; write E, S, W, or add a route with the matcher event_type="CRITICAL"',
    ]


def test_the_event_types_of_a_limit_are_known_to_a_route_like_any_other() -> None:
    params = Params(items=(Limit((("W", 80), ("I", 70), ("X", 95))), Limit.of(90)))

    assert doctor(module("a", 60, params=params)) == [
        "note: no route knows the event type I of module a: it goes to the receiver of the route "
        'above; write E, S, W, or add a route with the matcher event_type="I"',
        "note: no route knows the event type X of module a: it goes to the receiver of the route "
        'above; write E, S, W, or add a route with the matcher event_type="X"',
    ]


def test_where_no_route_asks_for_event_types_each_is_right() -> None:
    text = "route: {receiver: a, group_by: [event_id]}\nreceivers: [{name: a, email_configs: [{}]}]"
    assert read(text).root.receiver == "a"

    params = Params(items=(Item("CRITICAL"),))
    service = evolve(SERVICE, modules=(module("a", 60, params=params),))

    assert not any("no route knows" in line for line in said(text, service))
