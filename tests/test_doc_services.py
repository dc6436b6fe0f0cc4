"""Each service file that the documents show is valid, also where they show only a part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.commands.options import load_file
from supervisor.errors import ConfigError
from tests.support.doc_blocks import ROOT, pages

SERVICE = re.compile(r"^service =|^\[(?:alertmanager|status|labels)\]|^\[\[modules\]\]", re.M)
"""What an example has that is a service file, or a part with whole tables of one."""

LEFT_OUT = re.compile(
    r": servers: is missing;|: has neither every nor at;|: cannot be read: |no check 'spool';"
)
"""Problems of examples that show a part of a module, or name a file that the reader makes."""


NAMED = re.compile(r"# ([\w./-]+\.toml)\b")
"""The first line of an example that is one of several files."""


def examples() -> Iterator[tuple[str, str]]:
    """Yield where an example stands, and its text."""
    for path in pages():
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^```toml\n(.*?)^```$", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 1
            if SERVICE.search(match[1]):
                yield f"{path.relative_to(ROOT)}:{line}", match[1]


EXAMPLES = dict(examples())

TOGETHER = {where: text for where, text in EXAMPLES.items() if re.search(r"^extends =", text, re.M)}
"""Examples that need the other files of their page."""

PARTS = [where for where, text in EXAMPLES.items() if NAMED.match(text) and where not in TOGETHER]
"""Examples of such other files."""


def problems(path: Path) -> list[str]:
    """Return what is wrong with a service file."""
    try:
        load_file(path)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 30


@pytest.mark.parametrize("where", TOGETHER)
def test_the_example_is_valid_with_the_other_files_of_its_page(where: str, tmp_path: Path) -> None:
    page = where.partition(":")[0]
    for other, text in EXAMPLES.items():
        if other.startswith(f"{page}:") and (named := NAMED.match(text)):
            path = tmp_path / named[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    named = NAMED.match(TOGETHER[where])

    assert named is not None
    assert problems(tmp_path / named[1]) == []


@pytest.mark.parametrize("where", [each for each in EXAMPLES if each not in (*TOGETHER, *PARTS)])
def test_the_example_is_valid(where: str, tmp_path: Path) -> None:
    text = EXAMPLES[where]
    missing = "" if re.search(r"^service =", text, re.M) else 'service = "EXAMPLE"\n'
    path = tmp_path / "Example.toml"
    path.write_text(missing + text, encoding="utf-8")

    assert [each for each in problems(path) if not LEFT_OUT.search(each)] == []
