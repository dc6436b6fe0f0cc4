"""Run the supervisor's commands as a person types them."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.servers import ROOT


def run_supervisor(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, which must come within `seconds`."""
    return subprocess.run(
        [sys.executable, "-m", "supervisor", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
