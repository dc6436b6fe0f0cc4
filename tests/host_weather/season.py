"""Many weathers, some at the same time, each with a supervisor of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import trio
from attrs import frozen

from tests.host_weather.invariant import Observed
from tests.host_weather.trial import Trial
from tests.host_weather.weather import Weather, combined


@frozen
class Result:
    """What came of one weather."""

    weather: Weather
    """Which one."""

    seen: Observed
    """What was measured."""

    faults: list[str]
    """The promises that were broken, in words."""

    log: str
    """What the supervisors have logged."""


async def endure(
    weathers: Sequence[Weather], library: Path, directory: Path, at_once: int
) -> list[Result]:
    """Let all weathers come, at most `at_once` at the same time. Return what came of them."""
    places = trio.CapacityLimiter(at_once)
    results: dict[int, Result] = {}

    async def endure_one(number: int, weather: Weather) -> None:
        async with places:
            place = directory / str(number)
            place.mkdir(mode=0o700)
            trial = Trial(weather, library, place)
            try:
                broken = await trial.run()
            except Exception as error:  # the others go on
                broken = [f"it could not be tried to its end: {error!r}"]
            results[number] = Result(weather, trial.seen, broken, trial.log)

    async with trio.open_nursery() as nursery:
        for number, weather in enumerate(weathers):
            nursery.start_soon(endure_one, number, weather)
    return [results[number] for number in sorted(results)]


def pairs(weathers: Sequence[Weather], seed: int, number: int) -> list[Weather]:
    """Return some pairs of weathers that differ in kind. The seed alone decides which."""
    random = Random(seed)
    while_it_runs = [weather for weather in weathers if not weather.at_start]
    found: dict[str, Weather] = {}
    while len(found) < number:
        first, second = random.sample(while_it_runs, 2)
        if first.kind != second.kind:
            found[f"{first.name} + {second.name}"] = combined(first, second)
    return list(found.values())
