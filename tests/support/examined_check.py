"""A check whose `examine` says, raises or does what its parameters ask for."""

from __future__ import annotations

from collections.abc import Iterable

import trio
from attrs import frozen

from supervisor.api import CheckFailed, Context, Observation


@frozen
class Params:
    problems: tuple[str, ...] = ()
    does: str = "answers"


async def run(_context: Context, _params: Params) -> Iterable[Observation]:
    return ()


async def examine(params: Params) -> Iterable[str] | None:
    if params.does == "hangs":
        await trio.sleep_forever()
    if params.does == "fails":
        raise CheckFailed("cannot ask the mixer")
    if params.does == "raises":
        async with trio.open_nursery():
            raise LookupError("a bug")
    return None if params.does == "looks at nothing" else params.problems
