"""Counts the lines that match a pattern. Used by `log_pattern`."""

from __future__ import annotations

import codecs
from typing import Any

from attrs import define, field

from checks._common.patterns import compiled
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._logs.lines import MAX_LINE_BYTES
from checks._logs.parameters import Log

MAX_LISTED_LINES = 50
"""The most lines that the detail shows."""

MAX_LINE_CHARACTERS = 1000
"""The most characters that are shown of a line."""


@define
class Matches:
    """Counts the lines that match, and keeps the first of them."""

    log: Log
    count: int = 0
    first: list[tuple[str, str]] = field(factory=list)
    """The first lines, each after the file or program that it comes from."""

    sources: set[str] = field(factory=set)
    """What the lines come from. Empty for a log that is one file."""

    _pattern: Any = field(init=False)
    _exclude: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pattern = compiled(self.log.pattern) if self.log.pattern else None
        self._exclude = compiled(self.log.exclude) if self.log.exclude else None

    def take(self, line: bytes, source: str = "") -> bool:
        """Count a line if it matches, and return whether it does."""
        # A line that begins with a byte order mark begins a file, or a file that was appended.
        line = line.removeprefix(codecs.BOM_UTF8)
        if not line.isascii() or self.log.encoding != "utf-8":
            # In RE2 "." matches no byte that is not UTF-8.
            line = line.decode(self.log.encoding, "replace").encode(errors="replace")
        if self._pattern is not None and not self._pattern.search(line):
            return False
        if self._exclude is not None and self._exclude.search(line):
            return False
        self.count += 1
        if source:
            self.sources.add(source)
        if len(self.first) < MAX_LISTED_LINES:
            text = _ends(line).decode(errors="replace")
            self.first.append((source, shown(text, MAX_LINE_CHARACTERS)))
        return True

    def add(self, later: Matches) -> None:
        """Add what was counted elsewhere."""
        self.count += later.count
        self.sources |= later.sources
        self.first += later.first[: MAX_LISTED_LINES - len(self.first)]

    @property
    def message(self) -> str:
        """How many lines matched, and the first of them."""
        source, line = self.first[0]
        matched = f" matched {self.log.pattern}" if self.log.pattern else ""
        if self.log.journal is not None:
            of = f" of {self.log.where}" if self.log.journal.unit else ""
            said = f"{counted(self.count, 'message')}{of} in the journal{matched}"
            return f"{said}; the first, of {shown(source)}: {line}"
        if len(self.sources) > 1:
            files = counted(len(self.sources), "file")
            said = f"{counted(self.count, 'line')} in {files} of {self.log.path}{matched}"
            return f"{said}; the first, in {shown(source)}: {line}"
        where = shown(source) or self.log.path
        return f"{counted(self.count, 'line')} in {where}{matched}; the first: {line}"

    @property
    def text(self) -> str:
        """The first lines, under the names of what they come from if these are several."""
        lines, before = list[str](), ""
        for source, line in self.first:
            if len(self.sources) > 1 and source != before:
                lines.append(f"{shown(source)}:")
            lines.append(line)
            before = source
        if self.count > len(self.first):
            lines.append(f"… and {self.count - len(self.first):,} more")
        return "\n".join(lines)


def _ends(line: bytes) -> bytes:
    """Return the two ends of a very long text, of which the middle would not be shown anyway."""
    return (
        line if len(line) <= 2 * MAX_LINE_BYTES else line[:MAX_LINE_BYTES] + line[-MAX_LINE_BYTES:]
    )
