"""The lines of keys in a TOML document."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.explain.positions import positions
from supervisor.config.problems import KeyPath

ROOT = Path(__file__).parents[3]

DOCUMENT = """\
a."b.c".d = \"\"\"x
# not a comment, [not.a.table]
y\"\"\"
z = 'it = "1"' # a comment = 1
when = 1979-05-27 07:32:00.5

[[modules]]
check = "x#y\\"]"
q = [ # one
  1.5,
  { a = 1, b = [[1],
    [2]] },
]
[modules.params]
s = 1
[[modules.params.t]]
u = 1
[[modules.params.t]]
u = 2

[[modules]]
params.t = [{ u = 3 }]
"""

LINES: dict[KeyPath, int] = {
    ("a",): 1,
    ("a", "b.c", "d"): 1,
    ("z",): 4,
    ("when",): 5,
    ("modules", 0): 7,
    ("modules", 0, "check"): 8,
    ("modules", 0, "q", 0): 10,
    ("modules", 0, "q", 1, "b", 0, 0): 11,
    ("modules", 0, "q", 1, "b", 1): 12,
    ("modules", 0, "params"): 14,
    ("modules", 0, "params", "s"): 15,
    ("modules", 0, "params", "t", 0, "u"): 17,
    ("modules", 0, "params", "t", 1): 18,
    ("modules", 0, "params", "t", 1, "u"): 19,
    ("modules", 1): 21,
    ("modules", 1, "params", "t", 0, "u"): 22,
}


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of each value in a document."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        yield (*path, step)
        yield from paths(inner, (*path, step))


@pytest.mark.parametrize(("path", "line"), LINES.items(), ids=str)
def test_each_key_has_its_line(path: KeyPath, line: int) -> None:
    assert positions(DOCUMENT).line(path) == line
    assert positions(DOCUMENT.replace("\n", "\r\n")).line(path) == line


def test_a_key_that_is_missing_stands_where_its_table_begins() -> None:
    found = positions(DOCUMENT)

    assert found.line(("modules", 0, "params", "t", 1, "v")) == 18
    assert found.line(("modules", 1, "every")) == 21
    assert found.line(("service",)) == 1


@pytest.mark.parametrize(
    "text",
    [DOCUMENT, *(path.read_text() for path in sorted((ROOT / "configs").glob("*.toml")))],
)
def test_no_value_is_left_out(text: str) -> None:
    found = positions(text)

    assert [path for path in paths(tomllib.loads(text)) if path not in found.lines] == []


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000 + "]" * 5_000, ".".join("a" * 5_000) + "=1"])
def test_a_document_that_is_very_deep_is_no_danger(text: str) -> None:
    assert positions(text).line(("a",)) == 1


def test_a_file_without_an_error_pays_for_no_explanation() -> None:
    code = """
import sys
from pathlib import Path
from supervisor.config.load import load_service
from supervisor.modules.loader import load_check
load_service(Path("configs/Examples.toml"), lambda check: load_check(check).params)
print(*[name for name in sys.modules if "explain" in name or "coming_from" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "\n"
