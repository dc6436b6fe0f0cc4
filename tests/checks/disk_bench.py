"""A look of the `disk` check, for its tests."""

from __future__ import annotations

from checks import disk
from checks._files.filesystems import DiskParams as Params
from supervisor.api import Observation
from tests.support.check_context import context


async def look(params: Params) -> list[Observation]:
    return list(await disk.run(context(), params))
