"""Files, classes, folders and constructors stay small: a reader sees each as a whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.imports import files_in, largest_folder

ROOT = Path(__file__).parent.parent

PRODUCT = files_in(ROOT / "supervisor") + files_in(ROOT / "checks")
"""The files that are installed."""

MAX_LINES = 300
"""Lines of a file at most, also of one in `tests/`."""

MAX_CLASS_LINES = 200
"""Lines of a class at most."""

MAX_FILES = 13
"""Files of a folder at most, apart from the checks."""

MAX_POSITIONS = 4
"""Arguments at most that a constructor is given by position; the others are named."""

LONG_TESTS = {"tests/recorder/test_model.py"}
"""Test files that are longer. Rules, invariants and model of a Hypothesis machine are one class."""


def test_no_folder_is_crowded() -> None:
    assert largest_folder(ROOT / "supervisor")[0] <= MAX_FILES
    folders = [each for each in (ROOT / "checks").iterdir() if each.name.startswith("_")]
    assert max(largest_folder(each)[0] for each in folders if any(each.glob("*.py"))) <= MAX_FILES


def test_files_and_classes_stay_short() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {thing} has {lines} lines"
        for path in PRODUCT
        for thing, lines, most in sizes(path)
        if lines > most
    ]

    assert wrong == []


def test_files_of_tests_stay_short() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in files_in(ROOT / "tests")
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }

    assert found == LONG_TESTS


def sizes(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the file and each of its classes, with their lines and the bound of these."""
    text = path.read_text(encoding="utf-8")
    yield "the file", len(text.splitlines()), MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1, MAX_CLASS_LINES


def test_a_constructor_of_many_values_is_given_them_by_name() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {called(node)}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and called(node)[:1].isupper()
        and len(node.args) > MAX_POSITIONS
    ]

    assert wrong == []


def called(call: ast.Call) -> str:
    """Return the last part of the name that is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
