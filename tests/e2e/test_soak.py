"""A short soak of a real supervisor: everything in motion, and nothing is left or piles up."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.servers import ROOT


def test_nothing_piles_up_and_no_process_is_left() -> None:
    ended = subprocess.run(
        [sys.executable, "benchmarks/soak.py", "--minutes", "0.2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout
