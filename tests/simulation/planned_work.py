"""When work is planned on a simulated host, and how a reload changes that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from attrs import evolve

from tests.simulation.scenario import Planned

HOSTS = 0.3
"""How many hosts plan work at all."""

MINUTES_OF_A_DAY = 24 * 60

LENGTHS = (1, 10, 30, 30, 60, 90, 240)
"""Minutes that a window lasts."""

SETTLES = (0.0, 60.0, 180.0, 180.0, 1200.0)
"""Seconds after its end for which it holds conditions."""

NIGHT = (0, 4 * 60)
"""Minutes of the day between which clocks are changed."""


def planned_work(choose: Random, modules: Sequence[str]) -> Iterator[Planned]:
    """Yield the windows of a host. Most hosts have none."""
    if choose.random() >= HOSTS:
        return
    for number in range(choose.randint(1, 2)):
        named = choose.sample(modules, choose.randint(1, len(modules)))
        yield Planned(
            name=f"work {number}",
            at=tuple(_range(choose) for _ in range(choose.randint(1, 6))),
            modules=tuple(sorted(named)) if choose.random() < 0.4 else (),
            settle=choose.choice(SETTLES),
        )


def changed(planned: Iterable[Planned], choose: Random) -> Iterator[Planned]:
    """Yield the windows of a service file after a reload: some are gone, or at another time."""
    for each in planned:
        match choose.random():
            case chance if chance < 0.2:
                yield evolve(each, at=(*each.at[1:], _range(choose)))
            case chance if chance < 0.8:
                yield each


def _range(choose: Random) -> str:
    """Return a range of minutes: a third begins at night, when clocks are changed."""
    if choose.random() < 1 / 3:
        begin = choose.randrange(*NIGHT)
    else:
        begin = choose.randrange(MINUTES_OF_A_DAY)
    end = (begin + choose.choice(LENGTHS)) % MINUTES_OF_A_DAY
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
