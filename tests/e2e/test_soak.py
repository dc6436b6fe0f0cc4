"""A short soak of a real supervisor: everything in motion, and nothing is left or piles up."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.servers import ROOT


def test_nothing_piles_up_and_no_process_is_left() -> None:
    ended = soak("0.2")
    if ended.returncode:  # a busy machine still starts its programs then; what grows goes on
        ended = soak("0.7")

    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout


def soak(minutes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks/soak.py", "--minutes", minutes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
