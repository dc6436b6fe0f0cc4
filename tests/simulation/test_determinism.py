"""A scenario has one trace: twice in one process, and in processes with other hashes of strings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from tests.simulation.generate import scenario
from tests.simulation.scenario import Fault
from tests.simulation.simulation import simulate
from tests.simulation.tools.broken_on_purpose import scenario as rough_world
from tests.simulation.tools.kept import Kept

ROOT = Path(__file__).parents[2]

HANG = Fault(1300.0, "disk_hangs", "", 60.0)
"""The supervisor's own alert about it names a file."""

WORLD = evolve(
    rough_world(), faults=tuple(sorted([*rough_world().faults, HANG], key=lambda each: each.at))
)

pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")


def test_a_seed_always_makes_the_same_scenario() -> None:
    assert scenario(7, 0.3) == scenario(7, 0.3)
    assert scenario(7, 0.3) != scenario(8, 0.3)


def test_a_scenario_always_has_the_same_trace() -> None:
    first, second = simulate(WORLD), simulate(WORLD)

    assert first.counts["LifeBegan"] > 1
    assert first.counts["Posted"] > 100
    assert first == second


def test_a_trace_does_not_depend_on_the_process(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    Kept("", (), WORLD).write(file)

    digests = {digest_in_a_process(file, hash_seed) for hash_seed in ("0", "1", "2")}

    assert digests == {simulate(WORLD).digest}


def digest_in_a_process(file: Path, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", str(file), "--as-it-is"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    digest = re.search(r"digest (\w+)", done.stdout)
    assert digest, done.stdout + done.stderr
    return digest[1]
