"""The version of the Alertmanager in PATH."""

from __future__ import annotations

import re
import subprocess
from functools import cache


@cache
def alertmanager_version() -> tuple[int, int]:
    """Return major and minor version, (0, 0) if there is no Alertmanager."""
    try:
        said = subprocess.run(
            ["prometheus-alertmanager", "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout
    except FileNotFoundError:
        return 0, 0
    found = re.search(r"version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)
