"""What the tests of the `unprocessed_file` check share: files of a known age, and looks at them."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import evolve

from checks.unprocessed_file import Directory, Params, run
from supervisor.api import Condition, Duration, Limit
from tests.support.check_context import context

NOW = 1_000_000_000.0
"""When the check looks, unless a test says otherwise."""

OLD = NOW - 7200.0
"""When a file was last written to, unless a test says otherwise."""

TEN_MINUTES = Limit.of(Duration(600))


def put(directory: Path, name: str | bytes, moment: float = OLD) -> None:
    directory.mkdir(exist_ok=True)
    path = os.path.join(os.fsencode(directory), os.fsencode(name))
    with open(path, "wb"):
        os.utime(path, (moment, moment))


async def look(directory: Path, now: float = NOW) -> list[Condition]:
    return await conditions(Params((Directory(str(directory), Limit.of(Duration(600))),)), now)


async def conditions(params: Params, now: float = NOW) -> list[Condition]:
    then = evolve(context(), clock=lambda: now)
    return [item for item in await run(then, params) if isinstance(item, Condition)]
