"""What is new, what is still true and what is gone: one run compared with the runs before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from supervisor.alerts.alert import Key, Sighting
from supervisor.alerts.sanitize import DETAIL_LIMIT, MESSAGE_LIMIT, clean_text
from supervisor.observations import Condition

GRAVITY = ("TE", "E", "W")
"""The event types that have an order, the gravest first. Others are channels: routes of mails."""


@define
class Comparison:
    """What a run changes."""

    fired: list[Key] = field(factory=list)
    """Conditions that fire from this run on."""

    confirmed: list[Key] = field(factory=list)
    """Conditions that fired before and are still true."""

    cleared: list[Key] = field(factory=list)
    """Conditions that have ended."""

    sightings: dict[Key, Sighting | None] = field(factory=dict)
    """Sightings that differ from those before. None forgets one."""

    surplus: int = 0
    """Conditions beyond the bound, which are dropped."""


def by_key(conditions: Iterable[Condition]) -> dict[Key, Condition]:
    """Return the conditions by identity, equal identities merged."""
    found: dict[Key, Condition] = {}
    for condition in conditions:
        key = (condition.alertname, condition.instance)
        found[key] = merge(found[key], condition) if key in found else condition
    return found


def merge(first: Condition, second: Condition) -> Condition:
    """Return two observations of one identity as one: all messages, the graver type."""
    gravest = min(first.event_type, second.event_type, key=_rank)
    lines = dict.fromkeys((*first.message.split("\n"), *second.message.split("\n")))
    details = dict.fromkeys(filter(None, (first.detail, second.detail)))
    return Condition(
        alertname=first.alertname,
        event_type=gravest,
        instance=first.instance,
        message=clean_text("\n".join(lines), MESSAGE_LIMIT),
        detail=clean_text("\n".join(details), DETAIL_LIMIT),
        labels={**second.labels, **first.labels},
        annotations={**second.annotations, **first.annotations},
    )


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


def _rank(event_type: str) -> tuple[int, str]:
    """Return the place of an event type: the gravest first, then the channels by name."""
    if event_type in GRAVITY:
        return GRAVITY.index(event_type), ""
    return len(GRAVITY), event_type
