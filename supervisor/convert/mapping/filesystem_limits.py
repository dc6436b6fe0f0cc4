"""Two legacy modules with two limits for one filesystem: what one table of limits would say.

The converter keeps such modules apart: as one module they would report something else. So it tells
the reader of its report.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.nodes import Span
from supervisor.convert.mapping.journal import Journal
from supervisor.convert.service_file.toml import Entry, Item, Table

NEVER = 100
"""With this limit nothing fires."""


@frozen
class Watched:
    """A filesystem of one module."""

    module: str
    """The name of the module."""

    filesystem: str
    """What the module calls the filesystem."""

    limit: int
    """Above this percentage it fires."""

    span: Span
    """The legacy lines that it came from."""


@define
class FilesystemLimits:
    """Remembers the limits of the modules of one file."""

    journal: Journal
    """Gets a note for each filesystem that has two of them."""

    _seen: dict[tuple[str, str], Watched] = field(factory=dict)
    """The last module with each filesystem, by check and filesystem."""

    def look(self, module: str, check: str, params: Table) -> None:
        """Take the parameters of one more module."""
        for watched in _watched(module, params):
            other = self._seen.get((check, watched.filesystem))
            self._seen[check, watched.filesystem] = watched
            if other is None or other.module == module or other.limit == watched.limit:
                continue
            low, high = sorted((other.limit, watched.limit))
            self.journal.warn(
                watched.span.first,
                f"{other.module} and {module} have two limits for {watched.filesystem}: one module "
                f"could have max_use_percent = {{ W = {low}, E = {high} }}, and one alert",
            )


def _watched(module: str, params: Table) -> Iterator[Watched]:
    """Yield the filesystems of a module that can be too full."""
    lists = [entry.item.value for entry in params.entries if isinstance(entry.item.value, tuple)]
    for row in chain.from_iterable(lists):
        match row:
            case Item(value=tuple(cells), span=Span() as span):
                values = {each.key: each.item.value for each in cells if isinstance(each, Entry)}
                match values:
                    case {"filesystem": str(name), "max_use_percent": int(limit)} if limit < NEVER:
                        yield Watched(module, name, limit, span)
