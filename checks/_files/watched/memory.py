"""What the check keeps of a file from run to run, as JSON and as values. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from attrs import astuple, frozen

from checks._files.watched.growing import Point
from checks._files.watched.hashing import Digest
from supervisor.api import Json

MAX_NUMBER = 1 << 63
"""No time, size or gap of a file is as great."""

_SHA256 = re.compile("[0-9a-f]{64}")


@frozen
class Newest:
    """The newest file of a pattern."""

    file: str
    """The name of its path, see `named`."""

    since: int
    """When its age began, in Unix seconds."""

    size: int
    before: int = -1
    """The size of the one before. -1: none is known."""

    def after(self, known: Newest | None) -> Newest:
        """Return this file, with the size of the one that was the newest before, if it is newer."""
        if known is None:
            return self
        same = known.file == self.file
        if not same and self.since < known.since:
            return self
        return Newest(self.file, self.since, self.size, known.before if same else known.size)


@frozen
class Known:
    """What the last run has left of a file."""

    digest: Digest | None = None
    point: Point | None = None
    newest: Newest | None = None

    def dump(self) -> dict[str, Json]:
        """Return it as JSON."""
        parts = {"digest": self.digest, "point": self.point, "newest": self.newest}
        return {key: [*astuple(part)] for key, part in parts.items() if part is not None}

    @classmethod
    def load(cls, value: Json) -> Known:
        """Return what a JSON value describes. What cannot be read counts as unknown."""
        parts: Mapping[str, Any] = value if isinstance(value, dict) else {}
        digest = point = newest = None
        match parts.get("digest"):
            case [str(sha256), str(identity)] if _SHA256.fullmatch(sha256):
                digest = Digest(sha256, identity)
        match parts.get("point"):
            case [at, size, str(file), gap] if _are_numbers(at, size, gap):
                point = Point(at, size, file, gap)
        match parts.get("newest"):
            case [str(file), since, size, before] if _are_numbers(since, size, before):
                newest = Newest(file, since, size, before)
            case [str(file), since, size, -1] if _are_numbers(since, size):
                newest = Newest(file, since, size)
        return cls(digest, point, newest)


def _are_numbers(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < MAX_NUMBER for value in values)


def named(*parts: object) -> str:
    """Return a short text that stands for what tells one file from others."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
