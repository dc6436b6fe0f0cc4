"""The part of an Alertmanager's configuration that decides who is notified, and when. Pure.

`read` takes the YAML that `GET /api/v2/status` gives as `config.original`; `Route.reached`
answers as `amtool config routes test` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from supervisor.doctor.routing import matchers
from supervisor.doctor.routing.matchers import Matcher, MatcherUnreadable
from supervisor.errors import SupervisorError

ALL_LABELS = "..."
"""In `group_by` it means that each alert is a group of its own."""

DEEPEST = 100
"""Levels of nesting in a configuration; no more are read."""

_UNITS = {
    "y": 31536000.0,
    "w": 604800.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
}
"""Seconds of each unit of a duration."""

_DURATION = re.compile(r"(?:\d+(?:ms|[ywdhms]))+|0")
"""A whole duration."""

_PART = re.compile(r"(\d+)(ms|[ywdhms])")
"""One number of a duration, with its unit."""


class RoutingUnreadable(SupervisorError):
    """The configuration cannot be understood here. The text says why."""


@frozen
class Route:
    """A node of the routing tree, together with what it inherits. Times are seconds."""

    receiver: str = ""
    group_by: tuple[str, ...] = ()
    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 14400.0
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    """The routes after it get the alert, too. In the configuration it is `continue`."""

    muted: bool = False
    """Time intervals suppress its notifications at times."""

    routes: tuple[Route, ...] = ()

    def reached(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """Return the routes by which an alert with these labels is notified. There may be none."""
        if not all(matcher.matches(labels) for matcher in self.matchers):
            return ()
        found: tuple[Route, ...] = ()
        for route in self.routes:
            reached = route.reached(labels)
            found += reached
            if reached and not route.goes_on:
                break
        return found or (self,)

    def tells_apart(self, label: str) -> bool:
        """Return whether alerts that differ in this label are in different groups."""
        return label in self.group_by or ALL_LABELS in self.group_by


@frozen
class Integration:
    """One way in which a receiver is notified."""

    kind: str
    """Such as "email"."""

    send_resolved: bool = False
    """It also notifies when an alert is resolved."""


@frozen
class Routing:
    """All that decides how an alert is notified."""

    root: Route
    receivers: Mapping[str, tuple[Integration, ...]]
    """How each receiver is notified, by its name."""

    resolve_timeout: float = 300.0
    """Seconds."""

    def reached(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """Return the routes by which an alert with these labels is notified."""
        return self.root.reached(labels)


def read(text: str) -> Routing:
    """Read a configuration. Raises `RoutingUnreadable`."""
    document = _table(_load(text), "the configuration")
    settings = _table(document.get("global") or {}, "global")
    try:
        return Routing(
            root=_route(_table(document.get("route"), "route"), Route()),
            receivers=dict(_receiver(each) for each in _list(document.get("receivers"))),
            resolve_timeout=_duration(settings.get("resolve_timeout"), 300.0),
        )
    except MatcherUnreadable as error:
        raise RoutingUnreadable(str(error)) from error
    except RecursionError as error:
        raise RoutingUnreadable("cannot read the routes: they are nested too deeply") from error


def _load(text: str) -> Any:
    import yaml  # needed by `doctor` alone

    try:
        _refuse_depth(yaml.parse(text, Loader=yaml.CBaseLoader))
        # This loader leaves each scalar the text that it is.
        return yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506  # makes plain values only
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RoutingUnreadable(f"cannot read the configuration as YAML: {reason}") from error


def _refuse_depth(events: Iterable[Any]) -> None:
    """Raise for a text that is nested so deeply that the loader, which is C, would crash."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")


def _route(table: Mapping[str, Any], parent: Route) -> Route:
    route = evolve(
        parent,
        receiver=_text(table.get("receiver")) or parent.receiver,
        group_by=tuple(_text(each) for each in _list(table.get("group_by"))) or parent.group_by,
        group_wait=_duration(table.get("group_wait"), parent.group_wait),
        group_interval=_duration(table.get("group_interval"), parent.group_interval),
        repeat_interval=_duration(table.get("repeat_interval"), parent.repeat_interval),
        matchers=_matchers(table),
        goes_on=table.get("continue") == "true",
        muted=bool(table.get("mute_time_intervals") or table.get("active_time_intervals")),
        routes=(),
    )
    children = (_table(each, "routes") for each in _list(table.get("routes")))
    return evolve(route, routes=tuple(_route(child, route) for child in children))


def _matchers(table: Mapping[str, Any]) -> tuple[Matcher, ...]:
    """Return the matchers of a route, from all three ways of writing them."""
    equal = _table(table.get("match") or {}, "match")
    regular = _table(table.get("match_re") or {}, "match_re")
    return (
        *(Matcher(name, "=", _text(value)) for name, value in equal.items()),
        *(Matcher(name, "=~", _text(value)) for name, value in regular.items()),
        *(each for line in _list(table.get("matchers")) for each in matchers.parse(_text(line))),
    )


def _receiver(value: object) -> tuple[str, tuple[Integration, ...]]:
    table = _table(value, "receivers")
    integrations = (
        Integration(
            key.removesuffix("_configs"),
            _table(each, key).get("send_resolved") == "true",
        )
        for key, entries in table.items()
        if key.endswith("_configs")
        for each in _list(entries)
    )
    return _text(table.get("name")), tuple(integrations)


def _duration(value: object, otherwise: float) -> float:
    """Return seconds. The notation is that of Prometheus: "1h30m", "4d"."""
    if value is None:
        return otherwise
    text = _text(value)
    if not _DURATION.fullmatch(text):
        raise RoutingUnreadable(f"cannot read {text!r} as a duration")
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))


def _table(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RoutingUnreadable(f"cannot read the configuration: {name} is not a table")
    return value


def _list(value: object) -> Iterable[Any]:
    if value is None or value == "":
        return ()
    if not isinstance(value, list):
        raise RoutingUnreadable(f"cannot read the configuration: {str(value)[:60]!r} is not a list")
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RoutingUnreadable(f"cannot read the configuration: {str(value)[:60]!r} is not a text")
    return value
