"""What the tests of the `log_pattern` check share: a check that keeps its state, and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._logs.parameters import Log
from checks.log_pattern import Params, run
from supervisor.api import Condition, Context, Measurement, Report
from tests.support.check_context import context


class Watch:
    """A check that keeps its state from run to run."""

    def __init__(self, *logs: Log, **params: Any) -> None:
        self.params = Params(logs, **params)
        self.context: Context = context()

    async def look(self) -> list[Condition | Report]:
        self.context = evolve(self.context, state=dict(self.context.state))
        found = await run(self.context, self.params)
        return [item for item in found if not isinstance(item, Measurement)]

    def look_now(self) -> list[Condition | Report]:
        """Look from a test that itself works with files."""
        return trio.run(self.look)


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("ERROR old\n", encoding="utf-8")
    return path
