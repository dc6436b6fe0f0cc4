"""Two logs in a directory, and a check that watches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks._logs.parameters import Log
from tests.checks.log_pattern_bench import Watch


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return a directory with two logs, in which old lines are."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("ERROR old\n", encoding="utf-8")
    return tmp_path


def watch(directory: Path, name: str = "*.log", **params: object) -> Watch:
    return Watch(Log(f"{directory}/{name}", "ERROR", **params))  # type: ignore[arg-type]  # any


def lines(watch: Watch) -> list[str]:
    """Return the lines that one more run tells."""
    return [
        line.removeprefix("<pre>").removesuffix("</pre>")
        for found in watch.look_now()
        if found.alertname.startswith("Log lines")
        for line in found.detail.splitlines()
        if "ERROR" in line
    ]
