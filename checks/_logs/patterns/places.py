"""Where reading the files of a pattern stopped, as the state keeps it. Used by `reading`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from checks._logs.position import Position
from supervisor.api import Json

MAX_STATE_BYTES = 48 * 1024
"""The most bytes that all places of one module take in its state, as JSON."""

PLACE_BYTES = 100
"""The bytes of a place in the state without its name. Few need more."""


@frozen
class Place:
    """Where reading one file of a directory stopped."""

    name: str
    """Its name in the directory at that time."""

    position: Position

    copied: bool = False
    """Whether it is a copy of a file that is read itself. Its lines do not count."""

    gone: bool = False
    """Whether the last run did not find the file."""

    def dump(self) -> Json:
        """Return it as JSON. A file that was read to its end takes less room."""
        position = self.position.dump()
        assert isinstance(position, list)  # noqa: S101  # for the type checker
        if self.position.offset == self.position.size and not self.position.counted:
            position = position[:4]
        flags = ["copied"] * self.copied + ["gone"] * self.gone
        return [self.name, position, *flags]

    @classmethod
    def load(cls, value: Json) -> Place | None:
        """Return the place that a JSON value describes. None for any other value."""
        match value:
            case [str(name), position, *flags]:
                found = Position.load(position)
                return cls(name, found, "copied" in flags, "gone" in flags) if found else None
        return None


@frozen
class Places:
    """The places of all files of a pattern."""

    directories: Mapping[str, Sequence[Place]] = field(factory=dict)
    """Those of each directory. The most important stand first."""

    links: Mapping[str, Json] = field(factory=dict)
    """What is known of the logs that links lead to, by the paths of the links."""

    full_since: int = 0
    """When the last run left files out, in Unix seconds. 0: it did not."""

    unlooked: tuple[str, ...] = ()
    """Directories and links that could never be looked at. What they hold then is not new."""

    def of(self, directory: str) -> Sequence[Place] | None:
        """Return the places of a directory. None if it could never be looked at."""
        if directory not in self.directories and is_below(directory, self.unlooked):
            return None
        return self.directories.get(directory, ())

    def dump(self, most: int) -> Json:
        """Return them as JSON of at most `most` bytes. The least important are left out."""
        kept: dict[str, Any] = {}
        if self.full_since:
            kept["full_since"] = self.full_since
        if self.unlooked:
            kept["unlooked"] = [*self.unlooked]
            most -= len(json.dumps(kept["unlooked"]))
        links, most = _fitting([*self.links.items()], most - 100)
        if links:
            kept["links"] = dict(links)
        directories = dict[str, list[Json]]()
        dumped = [
            (rank, directory, place.dump())
            for directory, places in self.directories.items()
            for rank, place in enumerate(places)
        ]
        for _, directory, place in sorted(dumped, key=lambda each: each[0]):
            most -= len(json.dumps(place)) + 2
            if directory not in directories:
                most -= len(json.dumps(directory)) + 6
            if most >= 0:
                directories.setdefault(directory, []).append(place)
        kept["directories"] = directories
        return kept

    @classmethod
    def load(cls, value: Json) -> Places | None:
        """Return what a JSON value describes. None if the pattern was never looked at."""
        directories = value.get("directories") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(directories, dict):
            return None
        links, unlooked = value.get("links"), value.get("unlooked")
        full_since = value.get("full_since")
        return cls(
            {
                name: tuple(filter(None, map(Place.load, places)))
                for name, places in directories.items()
                if isinstance(places, list)
            },
            links if isinstance(links, dict) else {},
            full_since if isinstance(full_since, int) else 0,
            tuple(map(str, unlooked)) if isinstance(unlooked, list) else (),
        )


def is_below(path: str, others: Iterable[str]) -> bool:
    """Return whether a path is one of the others, or stands below one of them."""
    return any(f"{path}/".startswith(f"{each}/") for each in others)


def _fitting(items: Sequence[tuple[str, Json]], most: int) -> tuple[list[tuple[str, Json]], int]:
    """Return the first items that fit into so many bytes, and how many bytes are left."""
    kept = list[tuple[str, Json]]()
    for item in items:
        most -= len(json.dumps(item)) + 2
        if most < 0:
            return kept, 0
        kept.append(item)
    return kept, most
