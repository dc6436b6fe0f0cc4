"""What a service file says in the end, with the place of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen

from supervisor.config.files import Source
from supervisor.config.problems import KeyPath

if TYPE_CHECKING:
    from supervisor.config.layers.tree import Fault, Origin, Table

EXTENDS = "extends"
"""The key that names the file on which another one builds."""

VARS = "vars"
"""The table that declares variables and gives their values."""

FRAGMENTS = ".d"
"""The suffix of the directory of a service's fragments."""


def fragments_of(path: Path) -> Path:
    """Return the directory of a service file's fragments."""
    return path.with_suffix(FRAGMENTS)


@frozen
class Effective:
    """A service file, with all that other files add to it."""

    path: Path
    """The service file itself."""

    table: Mapping[str, Any]
    """All that it says, as TOML values."""

    sources: Sequence[Source]
    """The files that say it, the lowest of them first."""

    tree: Table | None = None
    """The same values with their places. None: they are all in the service file."""

    faults: Sequence[Fault] = ()
    """What is wrong between the files."""

    unknown: Sequence[KeyPath] = ()
    """Where a variable without a value is named."""

    @classmethod
    def alone(cls, source: Source) -> Self:
        """Return what a service file says that has no other files."""
        return cls(source.path, source.table, (source,))

    def document(self) -> Table:
        """Return all that it says, with its places."""
        from supervisor.config.layers.tree import tree  # only `show` needs it

        return tree(self.sources[0]) if self.tree is None else self.tree

    def origin(self, path: KeyPath) -> Origin:
        """Return the place of a key. One that is missing has the place of its table."""
        from supervisor.config.layers.tree import Origin, within  # only errors need them

        if self.tree is None:
            return Origin(self.sources[0], path)
        return within(self.tree, path).origin
