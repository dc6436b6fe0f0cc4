"""Searches the lines that were appended to a log since the last run for a pattern.

Coming from Monit: `check file … content`; Icinga: `logfiles`; Telegraf: `tail`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

import trio
from attrs import define, field, frozen

from checks._common.deadlines import rounded, timeout_field, within
from checks._common.gather import gather
from checks._common.validators import is_not_empty, unique
from checks._files.probing import probe_within
from checks._logs import observed
from checks._logs.matches import Matches
from checks._logs.parameters import Log
from checks._logs.reader import Known, Progress, read
from supervisor.api import CheckFailed, Context, Duration, Json, Observation

MAX_BYTES_PER_RUN = 32 << 20
"""The most bytes that one run reads of each log. The next runs read the rest."""

MISSING = "missing"
"""What the state holds in the place of a position while a log is missing."""


@frozen
class Params:
    """The logs that are read."""

    past_events: ClassVar[frozenset[str]] = frozenset({"Log lines", "Journal cursor lost"})
    """Alerts that are held until an Alertmanager has notified of them."""

    logs: tuple[Log, ...] = field(
        validator=[is_not_empty, unique(lambda log: log.key, shown=lambda log: log.instance)],
        metadata={"help": "the logs and their patterns", "named_by": ("path", "name")},
    )
    probe_timeout: Duration = timeout_field(20, "a log that takes longer to read is unreadable")


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return which logs are missing or cannot be read."""
    from checks._logs.examining import wrong_with  # a run does not need it

    seconds = within(params.probe_timeout)
    found = await gather(partial(wrong_with, seconds=seconds), params.logs)
    return [
        f"logs[{number}].{'path' if log.journal is None else 'journal'}: {problem}"
        for number, (log, problem) in enumerate(zip(params.logs, found, strict=True))
        if problem
    ]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return the matching lines of each log. The state keeps where reading stopped."""
    reader = _Reader(context, within(params.probe_timeout), sum(x.is_pattern for x in params.logs))
    found = await gather(reader.read, params.logs)
    # A log that could not be read keeps its position.
    remembered = {log.key: context.state.get(log.key) for log in params.logs} | reader.kept
    context.state.clear()
    context.state.update({key: value for key, value in remembered.items() if value is not None})
    return [*chain.from_iterable(found)]


@define
class _Reader:
    """Reads the logs of one run."""

    context: Context
    seconds: float
    patterns: int
    """How many logs may stand for several files. They share the room in the state."""

    kept: dict[str, Json] = field(factory=dict)
    """What the state keeps of the logs that were read."""

    async def read(self, log: Log) -> list[Observation]:
        """Return what a log tells."""
        known = self.context.state.get(log.key)
        if log.journal is not None:
            return await self._read_journal(log, known)
        if log.is_pattern and await self._is_pattern(log, known):
            return await self._read_pattern(log, known)
        return await self._read_file(log, known)

    async def _is_pattern(self, log: Log, known: Json) -> bool:
        """Return whether the first run found no file of exactly that name."""
        from checks._logs.examining import is_one_file  # few services have patterns
        from checks._logs.patterns.places import Places

        if known not in (None, MISSING):
            return Places.load(known) is not None
        return not await is_one_file(log.path, self.seconds)

    async def _read_file(self, log: Log, known: Json) -> list[Observation]:
        def work() -> tuple[Progress, Matches]:
            matches = Matches(log)
            # All lines of a log that appears after the first run are new.
            from_start = log.from_start or known == MISSING
            before = Known.load(known)
            progress = read(
                Path(log.path), before, matches.take, MAX_BYTES_PER_RUN, from_start=from_start
            )
            return progress, matches

        try:
            name = f"read of {log.path} for {log.instance}"
            progress, matches = await probe_within(self.seconds, name, work)
        except FileNotFoundError:
            self.kept[log.key] = known or MISSING
            return [] if log.optional else [observed.missing(log, f"{log.path} is missing")]
        except OSError as error:
            return [observed.unreadable(log, f"{log.path}: {error.strerror or error}")]
        self._warn([log.path] if progress.broken else (), progress.refused, log)
        self.kept[log.key] = progress.known.dump()
        return observed.lines(log, matches, progress.left)

    async def _read_pattern(self, log: Log, known: Json) -> list[Observation]:
        from checks._logs.patterns.places import MAX_STATE_BYTES  # few services have patterns
        from checks._logs.patterns.reading import Bounds, read_pattern

        room = MAX_STATE_BYTES // self.patterns
        bounds = Bounds(self.seconds, MAX_BYTES_PER_RUN, room)
        found = await read_pattern(log, known, bounds, self.context.clock())
        self._warn(found.broken, found.refused, log)
        self.kept[log.key] = found.state
        return [*observed.lines(log, found.matches, found.left), *observed.files(log, found)]

    async def _read_journal(self, log: Log, known: Json) -> list[Observation]:
        from checks._logs.journal import JournalMissing, known_cursor, read_journal  # as above

        assert log.journal is not None  # noqa: S101  # for the type checker
        matches, cursor = Matches(log), known_cursor(known)
        if cursor is None and log.from_start:
            cursor = ""
        until = trio.current_time() + self.seconds / 2
        try:
            with trio.fail_after(self.seconds):
                found = await read_journal(
                    log.journal, cursor, matches.take, until=until, now=self.context.clock()
                )
        except JournalMissing as error:
            return [] if log.optional else [observed.missing(log, f"no journal: {error}")]
        except trio.TooSlowError:
            cause = f"no answer within {rounded(self.seconds)} s"
            return [observed.unreadable(log, f"the journal: {cause}")]
        except CheckFailed as error:
            return [observed.unreadable(log, f"the journal: {error}")]
        self.kept[log.key] = found.dump()
        if found.too_long:
            self.context.log.warning(
                "the journal has %d messages of %s that are too long to be read",
                found.too_long,
                log.where,
            )
        return [*observed.lines(log, matches), *observed.journal(log, found)]

    def _warn(self, broken: Iterable[str], refused: Iterable[object], log: Log) -> None:
        for path in broken:
            self.context.log.warning(
                "%s does not hold what was read last, nor does any rotated file beside it; "
                "lines may be missing; reading starts at its first line",
                path,
            )
        for rotated in refused:
            self.context.log.warning(
                "%s has grown since its rotation and cannot be read; lines of %s may be missing",
                rotated,
                log.path,
            )
