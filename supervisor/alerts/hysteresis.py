"""What is new, what is still true and what is gone: one run compared with the runs before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from attrs import define, field

from supervisor.alerts import hysteresis
from supervisor.alerts.alert import Sighting
from supervisor.alerts.sanitize import DETAIL_LIMIT, MESSAGE_LIMIT, clean_text
from supervisor.observations import Condition

Key: TypeAlias = tuple[str, str]
"""Alertname and instance: with the module, the identity of a condition."""


@define
class Comparison:
    """What a run changes. `sightings` holds only entries that differ; None forgets one."""

    fired: list[Key] = field(factory=list)
    confirmed: list[Key] = field(factory=list)
    cleared: list[Key] = field(factory=list)
    sightings: dict[Key, Sighting | None] = field(factory=dict)
    surplus: int = 0


def by_key(conditions: Iterable[Condition]) -> dict[Key, Condition]:
    """Return the conditions by identity, equal identities merged."""
    found: dict[Key, Condition] = {}
    for condition in conditions:
        key = (condition.alertname, condition.instance)
        found[key] = hysteresis.merge(found[key], condition) if key in found else condition
    return found


def compare(
    prior: Mapping[Key, Sighting],
    observed: Mapping[Key, Condition],
    *,
    fire_after: int,
    clear_after: int,
    most: int,
) -> Comparison:
    """Return what a run with the conditions `observed` changes in `prior`.

    A condition fires in its `fire_after`-th consecutive run and is cleared by the
    `clear_after`-th run without it. At most `most` are kept: those that fire stay, the
    rest are counted in `surplus`.
    """
    result = Comparison()
    for key, sighting in prior.items():
        if key not in observed:
            _miss(result, key, sighting, clear_after)
    firing = {key for key, sighting in prior.items() if sighting.fingerprint}
    room = most - (len(firing) - len(result.cleared))
    for key in observed:
        if key in firing:
            result.confirmed.append(key)
            if prior[key].missed:
                result.sightings[key] = Sighting(fire_after, 0, prior[key].fingerprint)
        elif room <= 0:
            result.surplus += 1
            if key in prior:
                result.sightings[key] = None
        else:
            room -= 1
            _see(result, key, prior.get(key), fire_after)
    return result


def _see(result: Comparison, key: Key, sighting: Sighting | None, fire_after: int) -> None:
    seen = min((sighting.seen if sighting else 0) + 1, fire_after)
    if seen >= fire_after:
        result.fired.append(key)
    if sighting is None or sighting.seen != seen:
        result.sightings[key] = Sighting(seen, 0)


def _miss(result: Comparison, key: Key, sighting: Sighting, clear_after: int) -> None:
    if not sighting.fingerprint:
        result.sightings[key] = None
    elif sighting.missed + 1 >= clear_after:
        result.cleared.append(key)
        result.sightings[key] = None
    else:
        result.sightings[key] = Sighting(sighting.seen, sighting.missed + 1, sighting.fingerprint)


SEVERITY = ("I", "S", "W", "E", "TE")
"""When two observations of one identity differ in type, the later in this order wins."""


def merge(first: Condition, second: Condition) -> Condition:
    """Return two observations of one identity as one: all messages, the graver type."""
    graver = max(first.event_type, second.event_type, key=_severity)
    lines = dict.fromkeys((*first.message.split("\n"), *second.message.split("\n")))
    details = dict.fromkeys(filter(None, (first.detail, second.detail)))
    return Condition(
        first.alertname,
        graver,
        first.instance,
        clean_text("\n".join(lines), MESSAGE_LIMIT),
        clean_text("\n".join(details), DETAIL_LIMIT),
        {**second.labels, **first.labels},
        {**second.annotations, **first.annotations},
    )


def _severity(event_type: str) -> int:
    # Legacy types may be longer words that end in the letter, such as "SI".
    return next((rank for rank, kind in enumerate(SEVERITY) if event_type == kind), 1)
