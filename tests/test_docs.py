"""What the documents name is there: files of the project, and pages that they link to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from supervisor.__main__ import COMMANDS
from tests.support.doc_blocks import pages, services

ROOT = Path(__file__).parent.parent

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:supervisor|checks|tests|benchmarks|scripts|docs|configs)/[\w./-]*\w/?)`")
MADE_LATER = re.compile(r"NAME|FOLDER|_folder|format-N|Shop|queries")
"""Paths with a word that the reader replaces, or that only a wheel has."""

MADE_BY_READERS = frozenset(name for path in pages() for name in services(path))
"""Service files that a page shows, for its reader to make."""


def documents() -> list[Path]:
    return sorted(
        [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("configs/**/*.md")]
    )


def missing(pattern: re.Pattern[str], base: Path | None) -> Iterator[str]:
    """Yield what documents name that is not there; `base` is where names begin."""
    for document in documents():
        if document.name == "CHANGELOG.md":
            continue  # it tells of files as they were
        for name in pattern.findall(document.read_text(encoding="utf-8")):
            if MADE_LATER.search(name) or name in MADE_BY_READERS:
                continue
            if not ((base or document.parent) / name).exists():
                yield f"{document.relative_to(ROOT)}: {name}"


def test_every_linked_page_is_there() -> None:
    assert list(missing(LINK, None)) == []


def test_every_named_file_is_there() -> None:
    assert list(missing(PATH, ROOT)) == []


def test_every_command_is_described() -> None:
    reference = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([\w-]+)[^|]*\| [^|]+ \| \d", reference, re.M)
    shown = re.findall(r"^    scripts/run ([\w-]+)", readme, re.M)

    assert set(described) == set(COMMANDS)
    assert set(shown) <= set(COMMANDS)


def test_the_documents_stand_alone() -> None:
    """The rules are in docs/reference: no page sends its reader to a contract elsewhere."""
    wrong = [
        str(document.relative_to(ROOT))
        for document in documents()
        if document.name != "CHANGELOG.md"
        and re.search(r"\bthe contract\b", document.read_text(encoding="utf-8"))
    ]

    assert wrong == []
