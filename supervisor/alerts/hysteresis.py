"""Compare one run with the runs before it: which conditions fire, go on, or end. Pure.

See docs/reference/alerts.md for the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from supervisor.alerts.alert import Key, Sighting
from supervisor.alerts.sanitize import MAX_DETAIL_BYTES
from supervisor.observations import Condition, Run
from supervisor.text import MAX_MESSAGE_BYTES, clean_text

GRAVITY = ("TE", "E", "W")
"""The event types that have an order, the gravest first. Other types only choose a route."""


NEVER_SEEN = Sighting(0, 0)
"""What is known of a condition that is new."""


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
    """Sightings that have changed. None removes one."""

    surplus: int = 0
    """How many conditions were dropped, since there were too many."""


def settled(run: Run, prior: Mapping[Key, Sighting]) -> Run:
    """Return the run as it counts: without what would let a condition go on that does not fire."""
    idle = {
        id(item)
        for item in run.observations
        if isinstance(item, Condition) and item.sustain and not _fires(prior, item)
    }
    if not idle:
        return run
    return evolve(
        run, observations=tuple(item for item in run.observations if id(item) not in idle)
    )


def by_key(conditions: Iterable[Condition]) -> dict[Key, Condition]:
    """Return the conditions by identity. Those of equal identity become one."""
    found: dict[Key, Condition] = {}
    for condition in conditions:
        key = (condition.alertname, condition.instance)
        found[key] = merge(found[key], condition) if key in found else condition
    return found


def merge(first: Condition, second: Condition) -> Condition:
    """Return two conditions of one identity as one, with all messages and the graver type."""
    gravest = min(first.event_type, second.event_type, key=_rank)
    lines = dict.fromkeys((*first.message.split("\n"), *second.message.split("\n")))
    details = dict.fromkeys(filter(None, (first.detail, second.detail)))
    return Condition(
        alertname=first.alertname,
        event_type=gravest,
        instance=first.instance,
        message=clean_text("\n".join(lines), MAX_MESSAGE_BYTES),
        detail=clean_text("\n".join(details), MAX_DETAIL_BYTES),
        labels={**second.labels, **first.labels},
        annotations={**second.annotations, **first.annotations},
        sustain=first.sustain and second.sustain,
        keeps=(*first.keeps, *second.keeps),
    )


def compare(
    prior: Mapping[Key, Sighting],
    observed: Mapping[Key, Condition],
    *,
    fire_after: int,
    of_last: int,
    clear_after: int,
    max_conditions: int,
) -> Comparison:
    """Return what a run with the conditions `observed` changes in `prior`.

    A condition fires when this run has seen it, and `fire_after` of the last `of_last` runs have.
    If these are equal, they are runs in a row. It is cleared when
    `clear_after` runs in a row have not seen it. At most `max_conditions` are kept. Those that
    fire stay, and the rest are counted in `surplus`.
    """
    result, rule = Comparison(), (fire_after, of_last)
    for key, sighting in prior.items():
        if key not in observed:
            _miss(result, key, sighting, clear_after, rule)
    firing = {key for key, sighting in prior.items() if sighting.fingerprint}
    room = max_conditions - (len(firing) - len(result.cleared))
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
            _see(result, key, prior.get(key), rule)
    return result


def _fires(prior: Mapping[Key, Sighting], condition: Condition) -> bool:
    sighting = prior.get((condition.alertname, condition.instance))
    return sighting is not None and bool(sighting.fingerprint)


def _see(result: Comparison, key: Key, sighting: Sighting | None, rule: tuple[int, int]) -> None:
    before = NEVER_SEEN if sighting is None else sighting
    seen, missed = _remembered(before.seen + 1, before.missed << 1, rule)
    if seen >= rule[0]:
        result.fired.append(key)
    if (seen, missed) != (before.seen, before.missed):
        result.sightings[key] = Sighting(seen, missed)


def _miss(
    result: Comparison, key: Key, sighting: Sighting, clear_after: int, rule: tuple[int, int]
) -> None:
    if not sighting.fingerprint:
        seen, missed = _remembered(sighting.seen, sighting.missed << 1 | 1, rule)
        result.sightings[key] = Sighting(seen, missed) if seen else None
    elif sighting.missed + 1 >= clear_after:
        result.cleared.append(key)
        result.sightings[key] = None
    else:
        result.sightings[key] = Sighting(sighting.seen, sighting.missed + 1, sighting.fingerprint)


def _remembered(seen: int, missed: int, rule: tuple[int, int]) -> tuple[int, int]:
    """Return the runs that may still count for a condition that does not fire.

    `missed` has a bit for each run that missed it, the last run the lowest. The oldest runs go:
    those that are too long ago, those after which it was missed too often, and misses.
    """
    fire_after, of_last = rule
    while seen:
        misses = missed.bit_count()
        oldest = 1 << (seen + misses - 1)
        if missed & oldest:
            missed ^= oldest
        elif misses > of_last - fire_after or seen + misses > of_last:
            seen -= 1
        else:
            break
    return seen, missed if seen else 0


def _rank(event_type: str) -> tuple[int, str]:
    """Return a sort key: the gravest first, then the types that have no order, by name."""
    if event_type in GRAVITY:
        return GRAVITY.index(event_type), ""
    return len(GRAVITY), event_type
