"""Which instances of a daemon have taken the place of others since the last run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks._processes.process import Process, instances, key
from supervisor.api import Json

MAX_INSTANCES = 8
"""The most instances of a daemon that are remembered, the youngest ones."""


def replaced(known: Json, running: Iterable[Process]) -> tuple[list[Process], Json]:
    """Return the instances that came while others ended, and what to remember for the next run.

    `known` was remembered by the last run, and may be anything. An instance that has ended is
    remembered until another one takes its place. Workers are not instances: they come and go.
    """
    earlier = [each for each in known if isinstance(each, str)] if isinstance(known, list) else []
    present = sorted(instances(running), key=lambda process: (process.born, process.pid))
    keys = [key(process) for process in present]
    new = [process for process in present if key(process) not in earlier]
    ended = [each for each in earlier if each not in keys]
    remembered: list[Json] = [*ended[len(new) :], *keys]
    return _with_a_predecessor(new, ended), remembered[-MAX_INSTANCES:]


def _with_a_predecessor(new: Sequence[Process], ended: Sequence[str]) -> list[Process]:
    """Return the youngest of the new instances, as many as others have ended."""
    return list(new[-len(ended) :]) if ended else []
