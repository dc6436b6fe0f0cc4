"""The sentences of a document, without its blocks, tables, links and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

_NOT_PROSE = re.compile(r"^(?:#|\||    |<!--|!\[|\s*```)")
"""What a line begins with that is not text: a heading, a table, a block, a mark, a picture."""

_BEGINS = re.compile(r"^\s*(?:[-*>]|\d+\.)\s+")
"""What an entry of a list, or a quotation, begins with."""

_ENDS = re.compile(
    r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)[\")*_]*\s+(?=[\"(*_`\[A-Z0-9])|:\s+(?=[A-Z])|:$"
)
"""Where a sentence ends."""


@frozen
class Sentence:
    """One sentence."""

    page: str
    line: int
    """The line on which its paragraph begins."""
    text: str

    @property
    def words(self) -> int:
        return sum(any(map(str.isalnum, word)) for word in self.text.split())

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def sentences(path: Path, page: str) -> Iterator[Sentence]:
    """Yield the sentences of a page."""
    for line, paragraph in _paragraphs(path.read_text(encoding="utf-8").splitlines()):
        for text in _ENDS.split(_plain(paragraph)):
            if text.strip():
                yield Sentence(page, line, text.strip())


def _paragraphs(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield each paragraph or entry of a list with its first line, counted from 1."""
    start, parts, fenced, listed = 0, list[str](), False, False
    for number, line in enumerate([*lines, ""], 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        begins = bool(_BEGINS.match(line))
        ends = fenced or not line.strip() or begins
        ends = ends or bool(_NOT_PROSE.match(line) and not (listed and parts))
        if ends and parts:
            yield start, " ".join(parts)
            parts = []
        listed = begins or (listed and (not line.strip() or line.startswith(" ")))
        if fenced or not line.strip() or (_NOT_PROSE.match(line) and not begins and not parts):
            continue
        start = start if parts else number
        parts.append(_BEGINS.sub("", line).strip())


def _plain(text: str) -> str:
    """Return a paragraph with each link as its text, and each piece of code as one word."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`[^`]+`", "`code`", text)
