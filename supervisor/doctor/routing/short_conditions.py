"""Conditions that may be over before an Alertmanager notifies of them. Pure.

Alertmanager waits for `group_wait` before it notifies of a new group. What has ended by then is
dropped without a notification.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from supervisor.config.service import Module
from supervisor.config.times import DAY, parse_times
from supervisor.doctor.findings import Finding
from supervisor.doctor.routing.routes import Route
from supervisor.text import duration


def findings(longest: Mapping[str, Route], modules: Mapping[str, Module]) -> Iterator[Finding]:
    """Yield each module whose conditions may be over too soon.

    `longest` has, for each module, the route of its conditions that waits longest.
    """
    for name, route in longest.items():
        module = modules[name]
        shortest = shortest_condition(module)
        if shortest <= route.group_wait:
            yield _finding(module, route, shortest)


def shortest_condition(module: Module) -> float:
    """Return for how many seconds a condition fires at least."""
    return _interval(module) * module.runs_to_clear


def _interval(module: Module) -> float:
    """Return the shortest time between two runs of the timetable."""
    if not module.at:
        return module.every or math.inf
    times = parse_times(module.at, module.every)
    return min(b - a for a, b in zip(times, (*times[1:], times[0] + DAY), strict=True))


def _finding(module: Module, route: Route, shortest: float) -> Finding:
    runs = math.floor(route.group_wait / _interval(module)) + 1
    held = ", ".join(sorted(module.past_events))
    other = f" ({held} apart, which is held for min_visible)" if held else ""
    return Finding(
        f"module {module.name}: a condition that is over after {duration(shortest)} is not "
        f"mailed{other}: the route to '{route.receiver}' waits {duration(route.group_wait)} "
        "(group_wait)",
        f"write clear_after = {runs} for the module, or a shorter group_wait for the route",
        serious=False,
    )
