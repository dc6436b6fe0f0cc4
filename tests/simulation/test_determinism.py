"""A scenario has one trace: twice in one process, and in processes with other hashes of strings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.generate import scenario
from tests.simulation.simulation import simulate

ROOT = Path(__file__).parents[2]

SEED, DAYS, MODULES = 0, 0.3, 3
"""A world in which the supervisor lives more than once and the disk fails."""

pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")


def test_a_seed_always_makes_the_same_scenario() -> None:
    assert scenario(SEED, DAYS, MODULES) == scenario(SEED, DAYS, MODULES)
    assert scenario(SEED, DAYS, MODULES) != scenario(SEED + 1, DAYS, MODULES)


def test_a_scenario_always_has_the_same_trace() -> None:
    world = scenario(SEED, DAYS, MODULES)

    first, second = simulate(world), simulate(world)

    assert first.counts["LifeBegan"] > 1
    assert first.counts["Posted"] > 100
    assert first == second


def test_a_trace_does_not_depend_on_the_process() -> None:
    digests = {digest_in_a_process(hash_seed) for hash_seed in ("0", "1", "2")}

    assert digests == {simulate(scenario(SEED, DAYS, MODULES)).digest}


def digest_in_a_process(hash_seed: str) -> str:
    world = ["--seed", f"{SEED}", "--days", f"{DAYS}", "--modules", f"{MODULES}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *world, "--as-it-is"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    digest = re.search(r"digest (\w+)", done.stdout)
    assert digest, done.stdout + done.stderr
    return digest[1]
