"""Looks of the `daemon` check, for its tests."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from checks import daemon
from checks.daemon import Daemon, Params
from supervisor.api import Condition, Json, Measurement
from tests.support.check_context import context


async def look(
    *daemons: Daemon,
    pid_dir: Path | None = None,
    exclude: tuple[str, ...] = (),
    state: dict[str, Json] | None = None,
) -> list[Condition | Measurement]:
    given = evolve(context(), state={} if state is None else state)
    observed = await daemon.run(given, Params(daemons, exclude, pid_dir))
    return [item for item in observed if isinstance(item, Condition | Measurement)]


def counts(observed: list[Condition | Measurement]) -> dict[str, float]:
    found = [item for item in observed if isinstance(item, Measurement)]
    assert {item.name for item in found} <= {"processes"}
    return {item.labels["process"]: item.value for item in found}
