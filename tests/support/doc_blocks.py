"""The blocks of the documents that a reader may type, and the marks that say how they are tested.

A mark is a comment of HTML on the line above a block, which no reader sees:

    <!-- run: exit 1 -->          it is run, and its last line exits with this code
    <!-- run by: tests/FILE -->   this other test runs it
    <!-- not run: REASON -->      no test runs it, for this reason

A block without a mark is run, and each of its lines must succeed. Blocks in another language, such
as ```toml, are not commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parent.parent.parent

SHELLS = ("sh", "bash", "shell", "console", "")
"""Languages of fenced blocks that hold commands."""

MARK = re.compile(r"<!-- (?P<kind>not run|run by|run): (?P<text>.*\S) -->")

_LIST = re.compile(r"\s*(?:[-*+]|[0-9]+\.)\s")


@frozen
class Block:
    """One block of commands."""

    page: str
    """The path of the page, from the root of the project."""
    line: int
    """The line of the page on which the block begins."""
    text: str
    mark: str = ""
    """`run`, `run by`, `not run`, or empty."""
    note: str = ""
    """How it exits, the test that runs it, or why no test does."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def exit_code(self) -> int:
        """How its last line must exit."""
        match = re.fullmatch(r"exit (\d+)", self.note) if self.mark == "run" else None
        return int(match[1]) if match else 0


def pages() -> list[Path]:
    """Return all documents whose commands a reader may type."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "configs").rglob("*.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page that hold commands, indented or fenced."""
    lines = path.read_text(encoding="utf-8").splitlines()
    page = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
    in_list = False
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.lstrip().startswith("```"):
            end = _end_of_fence(lines, number)
            if line.strip("` ") in SHELLS:
                yield _block(page, lines, number, lines[number + 1 : end])
            number = end
        elif line.startswith("    ") and not in_list and not _text(lines[max(0, number - 1)]):
            end = number
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
                end += 1
            yield _block(page, lines, number, [each[4:] for each in lines[number:end]])
            number = end - 1
        elif line.strip():
            # What is indented below an entry of a list belongs to the entry.
            in_list = bool(_LIST.match(line)) or (in_list and line.startswith(" "))
        number += 1


def services(path: Path) -> dict[str, str]:
    """Return the service files that a page lets its reader make, by their names."""
    text = path.read_text(encoding="utf-8")
    return dict(re.findall(r"^`(configs/\w+\.toml)`:\n\n```toml\n(.*?)^```$", text, re.M | re.S))


def _text(line: str) -> bool:
    """Return whether a line is text, so that an indented one below it goes on with it."""
    return bool(line.strip()) and not MARK.fullmatch(line.strip())


def _end_of_fence(lines: list[str], start: int) -> int:
    fence = re.match(r"\s*`+", lines[start])
    assert fence
    end = start + 1
    while end < len(lines) and lines[end].strip() != fence[0].strip():
        end += 1
    return end


def _block(page: str, lines: list[str], start: int, text: list[str]) -> Block:
    above = next((line for line in reversed(lines[:start]) if line.strip()), "")
    mark = MARK.fullmatch(above.strip())
    return Block(
        page=page,
        line=start + 1,
        text="\n".join(text).strip("\n") + "\n",
        mark=mark["kind"] if mark else "",
        note=mark["text"] if mark else "",
    )
