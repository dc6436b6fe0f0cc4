"""Worlds of seeds that were not chosen by hand, before all promises.

The seeds are always the same ones, so that a change of the code alone can make a test fail.
`SIMULATION_SEED=N` takes others, and `scripts/simulate --hours H` looks at new ones for hours.
A failure shows the story of the smallest scenario that was found in a short time.

The work is bounded by the number of worlds and by their length, not by the clock. On a quiet core
it takes about a minute.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.tools.explore import Seed, explore

FIRST = int(os.environ.get("SIMULATION_SEED", "1"))
"""The first seed."""

WORLDS = 16
"""How many there are. The first 16 take as long as the next one alone."""

DAYS = 0.25
"""How long each lasts."""

SHRINK_FOR = 20.0
"""Seconds of the processor for a smaller scenario. A test ends after 120 s of time."""


@pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS))
def test_the_world_of_a_seed_breaks_no_promise(seed: int) -> None:
    result = explore(Seed(seed, DAYS), seconds=SHRINK_FOR)

    assert result.failure is None, "\n".join(
        [*result.failure.story, f"scripts/simulate {result.name}"]
    )
