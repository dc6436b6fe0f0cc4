"""The tables of docs/reference that are made from the code: they are there, and they are true."""

from __future__ import annotations

import re

import attrs
import pytest

from scripts.reference import checks, values
from scripts.reference.markdown import anchor, plain
from scripts.reference.pages import MADE, REFERENCE, ROOT, made_again, old_pages
from supervisor.config import schema_text
from supervisor.config.json_schema.types import schema_of
from supervisor.modules.loader import known_checks, load_check
from supervisor.observations import Duration


def regions() -> list[str]:
    return [
        found["what"]
        for path in sorted(REFERENCE.glob("*.md"))
        for found in MADE.finditer(path.read_text(encoding="utf-8"))
    ]


def test_the_tables_are_as_the_code_has_them() -> None:
    old = [str(path.relative_to(ROOT)) for path in old_pages()]

    assert old == [], "run scripts/docs"


def test_a_table_that_is_old_is_made_again() -> None:
    page = "Before.\n\n<!-- made: keys: status -->\n\n| old |\n\n<!-- end -->\n\nAfter.\n"

    made = made_again(page)

    assert "old" not in made
    assert "| `listen` | text | empty | HOST:PORT. Empty: nothing is served. |" in made
    assert (made.splitlines()[0], made.splitlines()[-1]) == ("Before.", "After.")
    assert made_again(made) == made


def test_a_table_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="no line <!-- end -->"):
        made_again("<!-- made: keys: status -->\n")


def test_each_table_of_a_service_file_is_there() -> None:
    wanted = {f"keys: {name}" for name in ("service", "alertmanager", "status", "module")}

    assert wanted <= set(regions())


def test_each_check_has_a_section_with_its_parameters() -> None:
    told = [name for what in regions() if what.startswith("parameters: ") for name in what.split()]

    assert sorted(name for name, _, _ in checks.sections()) == sorted(known_checks())
    assert [name for name in known_checks() if name not in told] == []


def test_the_page_of_log_lines_names_each_logger() -> None:
    page = (REFERENCE / "log-lines.md").read_text(encoding="utf-8")
    code = "".join(path.read_text("utf-8") for path in (ROOT / "supervisor").rglob("*.py"))

    assert set(re.findall(r"^\| `(supervisor[\w.]*)` \|", page, re.MULTILINE)) == set(
        re.findall(r'getLogger\("([\w.]+)"\)', code)
    )


def test_each_check_names_only_programs_that_the_table_has() -> None:
    named = {name for check in known_checks() for name in checks.predecessors(load_check(check))}

    assert named == set(checks.PROGRAMS)


def test_each_table_has_units_and_bounds_of_its_numbers() -> None:
    @attrs.frozen
    class Params:
        max_use_percent: int = attrs.field(metadata={"range": "of 1 to 100"})
        wait: Duration = Duration(90)
        max_output: int = 65536
        names: tuple[str, ...] = ()
        warn_days: float = 7.5

    schema = schema_of(Params)["properties"]

    assert [values.row(key, schema[key.name]) for key in schema_text.keys(Params)] == [
        ("`max_use_percent`", "integer, 1 to 100", "required", ""),
        ("`wait`", "duration", "`1m30s`", ""),
        ("`max_output`", "integer, bytes", "64 KiB", ""),
        ("`names`", "list of text", "empty", ""),
        ("`warn_days`", "number, days", "`7.5`", ""),
    ]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"minimum": 0, "maximum": 100}, "from 0 to 100 %"),
        ({"minimum": 1}, "1 % or more"),
        ({"exclusiveMinimum": 0, "pattern": "[1-9]"}, "more than 0 %"),
        ({"minItems": 1}, "not empty"),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "string"}]}, "3 % or more"),
        ({"type": "string"}, ""),
    ],
)
def test_bounds_are_told_in_words(schema: dict[str, object], words: str) -> None:
    assert values.bounds(schema, "%") == words


def test_no_character_of_a_help_text_is_lost_in_markdown() -> None:
    assert plain("'apt-*.service', `a*b` and <c>") == r"'apt-\*.service', `a*b` and \<c>"


def test_anchors_are_those_of_headings() -> None:
    assert [anchor(title) for title in ("disk, inode", "status --json", "`[[modules]]`")] == [
        "disk-inode",
        "status---json",
        "modules",
    ]
