"""What the documents name is there: files of the project, and pages that they link to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from supervisor.__main__ import COMMANDS
from tests.support.doc_blocks import pages, services
from tests.support.doc_prose import Sentence, sentences

ROOT = Path(__file__).parent.parent

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:supervisor|checks|tests|benchmarks|scripts|docs|configs)/[\w./-]*\w/?)`")
MADE_LATER = re.compile(r"NAME|FOLDER|_folder|format-N|Shop|queries")
"""Paths with a word that the reader replaces, or that only a wheel has."""

MADE_BY_READERS = frozenset(name for path in pages() for name in services(path))
"""Service files that a page shows, for its reader to make."""


MAX_WORDS = 30
"""Words of a sentence, at most. Aim at 20: readers whose second language it is read it once."""

HARD = re.compile(
    r"(?<![Tt]here )\b(?:is|are|was|were) no (?!longer|more)|\b(?:anew|nobody|meanwhile)\b", re.I
)
"""Words for which there are plainer ones: "is not a …", "again", "no one", "in the meantime"."""

PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^)]+)\)")


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


def prose() -> list[Sentence]:
    return [
        sentence
        for path in documents()
        if path.name != "CHANGELOG.md"
        for sentence in sentences(path, str(path.relative_to(ROOT)))
    ]


def test_sentences_are_found_without_blocks_tables_and_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")

    assert [(each.line, each.words, each.text) for each in sentences(page, "page")] == [
        (3, 4, "One two `code` link."),
        (3, 2, "Three four"),
        (5, 2, "an entry"),
        (7, 3, "that goes on."),
        (9, 2, "another one"),
    ]


PAGE = """\
# A title

One two `a b c` [link](page.md). Three
four:
- an entry

  that goes on.

- another one

| a | table |

    a block

```sh
a block
```
"""


def test_no_sentence_is_too_long() -> None:
    assert [str(each) for each in prose() if each.words > MAX_WORDS] == []


def test_no_word_is_hard_where_a_plain_one_would_do() -> None:
    assert [str(each) for each in prose() if HARD.search(each.text)] == []


def test_an_index_names_each_document() -> None:
    """The index of all documents does, or that of the reference."""
    docs = ROOT / "docs"
    named = {
        (index.parent / name).resolve()
        for index in (docs / "index.md", docs / "reference" / "index.md")
        for name in LINK.findall(index.read_text(encoding="utf-8"))
    }

    assert {*docs.rglob("*.md")} - named == {docs / "index.md"}


def test_each_picture_is_described_for_those_who_cannot_see_it() -> None:
    wrong = [
        f"{document.relative_to(ROOT)}: {path}"
        for document in documents()
        for words, path in PICTURE.findall(document.read_text(encoding="utf-8"))
        if len(words.split()) < 3
    ]

    assert wrong == []


def test_the_glossary_is_in_order() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [
        word.strip("` ").lower() for word in re.findall(r"^\| ([^|]+) \| [^|]+ \| \[", text, re.M)
    ]

    assert len(words) > 40
    assert words == sorted(words)
