"""docs/how-to/write-a-check.md has an example for each name of `supervisor.api`, and it runs."""

from __future__ import annotations

import doctest
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from supervisor import api

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "write-a-check.md"
EXAMPLES = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("name", api.__all__)
def test_each_name_has_an_example_and_a_word_about_it(name: str) -> None:
    imported, used = re.compile(rf"import .*\b{name}\b"), re.compile(rf"\b{name}\b")
    lines = [line for example in EXAMPLES for line in example.splitlines() if used.search(line)]

    assert [line for line in lines if imported.search(line)]
    assert [line for line in lines if not imported.search(line)]
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")


def test_the_examples_print_what_they_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for number, example in enumerate(EXAMPLES):
        test = doctest.DocTestParser().get_doctest(example, names, f"{number}", str(PAGE), 0)
        runner.run(test, out=said.append, clear_globs=False)
        names = test.globs

    assert said == []
    assert runner.summarize(verbose=False).attempted > len(api.__all__)
