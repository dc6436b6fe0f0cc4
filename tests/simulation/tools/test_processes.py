"""No process of a pool outlives the one that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

BUSY_FOR = 600
"""Seconds for which the worker is busy, unless it ends with its parent."""

PARENT = f"""
import time
from tests.simulation.tools.processes import processes

with processes(1, 50) as pool:
    pool.submit(print, "ready", flush=True)
    pool.submit(time.sleep, {BUSY_FOR}).result()
"""


@pytest.mark.may_block("it waits for processes")
def test_a_worker_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"

        parent.kill()

        # The worker holds this pipe, too. So the end of the file is the end of both.
        assert parent.communicate(timeout=60.0)[0] == b""
