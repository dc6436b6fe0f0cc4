"""Let a check ask for runs beside the timetable, when there is something new. Few checks do."""

from __future__ import annotations

from logging import getLogger

import trio

from supervisor.modules.loader import Watch
from supervisor.modules.runner import Runner

WATCH_AGAIN = 30.0
"""Seconds after which a check's `watch` that has ended begins again."""

_log = getLogger("supervisor.modules")


async def keep_watching(watch: Watch, runner: Runner) -> None:
    """Call the check's `watch`, and again when it ends, whatever it has raised."""
    module = runner.module
    while True:
        try:
            await watch(runner.make_context(module, None), module.params, runner.run_soon)
        except Exception as error:  # a check's own code may raise anything
            _log.warning("%s: cannot watch: %s", module.name, error)
        await trio.sleep(WATCH_AGAIN)
