"""Reads all logs that a pattern of paths stands for. Used by `log_pattern`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from checks._common.gather import gather
from checks._logs.lines import MAX_LINE_BYTES
from checks._logs.matches import Matches
from checks._logs.parameters import Log
from checks._logs.patterns.directory import Reading, Trouble, read_directory
from checks._logs.patterns.finding import MAX_FILES, Found, Link, ask, find
from checks._logs.patterns.listing import Seen, Steps
from checks._logs.patterns.places import PLACE_BYTES, Places, is_below
from checks._logs.reader import Known, read
from supervisor.api import Json

LINK_BYTES = 300
"""The bytes that a log behind a link takes in the state, without its path. Few need more."""


@frozen
class Bounds:
    """What the reading of all files of a pattern may take."""

    seconds: float

    bytes: int
    """The bytes that are read."""

    state_bytes: int
    """The bytes that the places take in the state."""


@frozen
class PatternReading:
    """The result of reading all files of a pattern."""

    matches: Matches

    state: Json
    """What the state keeps of the pattern."""

    count: int
    """How many files fit the pattern."""

    left_out: int
    """How many files are not read, although they were written to since the last run."""

    left: int
    """The bytes that are still to be read."""

    troubles: Sequence[Trouble]

    broken: Sequence[str]
    """The paths of files that do not hold what was read of them, nor does any other file."""

    refused: Sequence[str]
    """The paths of rotated files that this user may not read, and that are new or have grown."""


async def read_pattern(log: Log, value: Json, bounds: Bounds, now: float) -> PatternReading:
    """Return the new lines of all files of a pattern that match, and where reading stopped.

    `value` is what the state keeps of the pattern.
    """
    found = await find(log.path, log.instance, bounds.seconds / 2)
    chosen = _chosen(found, bounds.state_bytes)
    units = len(chosen.files) + len(chosen.links)
    share = max(bounds.bytes // max(units, 1), MAX_LINE_BYTES)
    run = _Run(log, Places.load(value), bounds.seconds / 2, share)
    await gather(
        run.read_directory, [(each, chosen.files.get(each, ())) for each in found.listings]
    )
    await gather(run.read_link, chosen.links)
    matches, readings = Matches(log), [reading for _, _, reading in run.in_order()]
    for _, counted, _ in run.in_order():
        matches.add(counted)
    return PatternReading(
        matches=matches,
        state=run.places(found, math.ceil(now) if chosen.left_out else 0).dump(bounds.state_bytes),
        count=found.count,
        left_out=run.written_since(chosen.left_out),
        left=sum(each.left for each in readings),
        troubles=[*found.troubles, *(one for each in readings for one in each.troubles)],
        broken=[one for each in readings for one in each.broken],
        refused=[one for each in readings for one in each.refused],
    )


@frozen
class _Chosen:
    """The files to read."""

    files: Mapping[str, Sequence[Seen]]
    """Those of each directory."""

    links: Sequence[Link]

    left_out: Sequence[float]
    """When each of the others was written to last."""


def _chosen(found: Found, state_bytes: int) -> _Chosen:
    """Choose the files that were written to last, as many as the state has room for."""
    candidates: list[tuple[float, str, Seen | Link]] = [
        (seen.status.st_mtime, directory, seen)
        for directory, listing in found.listings.items()
        for seen in listing.files
    ]
    candidates += [(link.status.st_mtime, "", link) for link in found.links]
    candidates.sort(key=lambda each: each[0], reverse=True)
    older = [time for listing in found.listings.values() for time in listing.older]
    files, links, room = dict[str, list[Seen]](), list[Link](), state_bytes
    for number, (_, directory, file) in enumerate(candidates):
        if isinstance(file, Link):
            room -= len(json.dumps(file.path)) + LINK_BYTES
        else:
            room -= len(json.dumps(file.name)) + PLACE_BYTES
            room -= 0 if directory in files else len(json.dumps(directory))
        if number == MAX_FILES or room < 0:
            left_out = [time for time, _, _ in candidates[number:]]
            return _Chosen(files, links, [*left_out, *older])
        if isinstance(file, Link):
            links.append(file)
        else:
            files.setdefault(directory, []).append(file)
    return _Chosen(files, links, older)


@define
class _Run:
    """Reads the files of each directory, and the log behind each link, in threads of their own."""

    log: Log
    known: Places | None
    seconds: float
    share: int
    """The bytes that are read of one directory or link."""

    _matches: dict[str, Matches] = field(factory=dict)
    _readings: dict[str, Reading] = field(factory=dict)
    _links: dict[str, Json] = field(factory=dict)

    async def read_directory(self, item: tuple[str, Sequence[Seen]]) -> None:
        """Read the files of a directory."""
        path, files = item
        known = self.known.of(path) if self.known else None
        if known is None and self.log.from_start:
            known = ()
        if not files and not known:
            self._readings[path] = Reading()
            return
        matches = Matches(self.log)
        name = Steps.of(self.log.path).name
        call = partial(read_directory, Path(path), name, files, known, matches.take, self.share)
        try:
            reading = await ask(f"read of {path} for {self.log.instance}", self.seconds, call)
        except OSError as error:
            self._readings[path] = Reading(known, troubles=(Trouble.of(path, error),))
            return
        self._matches[path], self._readings[path] = matches, reading

    async def read_link(self, link: Link) -> None:
        """Read the log behind a link."""
        path, matches = link.path, Matches(self.log)
        value = self.known.links.get(path) if self.known else None
        from_start = self.log.from_start or (
            self.known is not None and self.known.of(os.path.dirname(path)) is not None
        )

        def take(line: bytes) -> bool:
            return matches.take(line, path)

        call = partial(read, Path(path), Known.load(value), take, self.share, from_start=from_start)
        try:
            progress = await ask(f"read of {path} for {self.log.instance}", self.seconds, call)
        except OSError as error:
            self._links[path] = value
            self._readings[path] = Reading(troubles=(Trouble.of(path, error),))
            return
        self._links[path] = progress.known.dump()
        self._matches[path] = matches
        self._readings[path] = Reading(
            left=progress.left,
            broken=(path,) if progress.broken else (),
            refused=tuple(map(str, progress.refused)),
        )

    def in_order(self) -> list[tuple[str, Matches, Reading]]:
        """Return what was read, in the order of the paths."""
        return [
            (path, self._matches.get(path, Matches(self.log)), self._readings[path])
            for path in sorted(self._readings)
        ]

    def written_since(self, times: Sequence[float]) -> int:
        """Return how many of these times are after the last run. Unknown if that read all files."""
        since = self.known.full_since if self.known else 0
        return sum(each > since for each in times) if since else 0

    def places(self, found: Found, full_since: int) -> Places:
        """Return all places. Those that could not be looked at are kept."""
        before = self.known or Places()
        directories = {
            path: places for path, places in before.directories.items() if found.is_unknown(path)
        }
        links = {path: known for path, known in before.links.items() if found.is_unknown(path)}
        first = [path for path, reading in self._readings.items() if reading.places is None]
        troubled = [each.path for each in found.troubles]
        if self.known is not None:  # only what could never be looked at
            troubled = [each for each in troubled if is_below(each, before.unlooked)]
        read = {path: reading.places for path, reading in self._readings.items() if reading.places}
        return Places(directories | read, links | self._links, full_since, (*first, *troubled)[:20])
