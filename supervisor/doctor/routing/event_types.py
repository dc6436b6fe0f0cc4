"""Event types of the service file that no route of an Alertmanager knows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from supervisor.config.limits.limit import Limit
from supervisor.config.service import Service
from supervisor.doctor.findings import Finding
from supervisor.doctor.routing.matchers import Matcher
from supervisor.doctor.routing.routes import Route, Routing
from supervisor.text import nearest

LABEL = "event_type"
"""The label whose matchers choose a route."""

OWN = "TE"
"""The supervisor's own type. It may go to the receiver of the top route."""

_WORDS = re.compile(r"\^?\(?\^?([\w-]+(?:\|[\w-]+)*)\$?\)?\$?")
"""A regular expression that lists words: `W|E`, `(W|E)` or `^(W|E)$`."""


def given(params: Any) -> Iterator[str]:
    """Yield the event types that parameters name, at every depth."""
    if isinstance(params, Limit):
        yield from (name for name, _ in params.levels if name)
    elif attrs.has(type(params)):
        for field in attrs.fields(type(params)):
            value = getattr(params, field.name)
            if field.name.endswith(LABEL) and isinstance(value, str) and value:
                yield value
            else:
                yield from given(value)
    elif isinstance(params, Mapping):
        for each in params.values():
            yield from given(each)
    elif isinstance(params, tuple | list):
        for each in params:
            yield from given(each)


def findings(routing: Routing, service: Service) -> Iterator[Finding]:
    """Yield each event type of an enabled module that no route knows."""
    modules: dict[str, dict[str, None]] = {}
    for module in service.modules:
        if module.enabled:
            for event_type in given(module.params):
                modules.setdefault(event_type, {})[module.name] = None
    for event_type, names in modules.items():
        yield from unknown(routing, event_type, f" of module {', '.join(names)}")


def unknown(routing: Routing, event_type: str, where: str = "") -> Iterator[Finding]:
    """Yield a finding if no route of the peer asks for this event type.

    When no route asks for any, the event type chooses nothing, and each is right.
    """
    asked = [
        matcher
        for route in _all_routes(routing.root)
        for matcher in route.matchers
        if matcher.name == LABEL
    ]
    if not asked or event_type == OWN or any(each.matches({LABEL: event_type}) for each in asked):
        return
    known = sorted(set(_named(asked)))
    close = nearest(event_type, known)
    yield Finding(
        f"no route knows the event type {event_type}{where}: it goes to the receiver of the route "
        "above",
        f"write {close or ', '.join(known) or 'another one'}, or add a route with the matcher "
        f'{LABEL}="{event_type}"',
        serious=False,
    )


def _all_routes(route: Route) -> Iterator[Route]:
    yield route
    for each in route.routes:
        yield from _all_routes(each)


def _named(matchers: Iterable[Matcher]) -> Iterator[str]:
    """Yield the event types that matchers list."""
    for matcher in matchers:
        if matcher.operator == "=" and matcher.value:
            yield matcher.value
        elif matcher.operator == "=~" and (words := _WORDS.fullmatch(matcher.value)):
            yield from words[1].split("|")
