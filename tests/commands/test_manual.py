"""The pages of the manual, as man(1) shows them: complete, and without a warning."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from supervisor.__main__ import COMMANDS, all_parsers, main
from supervisor.commands.setup.command_line import commands
from supervisor.commands.setup.manual import ALL_EXIT_CODES, ENVIRONMENT
from supervisor.commands.setup.service_page import EXAMPLE, OWN_TABLES, TABLES
from supervisor.config import schema_text
from supervisor.modules.loader import known_checks

ROOT = Path(__file__).parent.parent.parent


def shown(page: str, directory: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a reader of the page sees, in lines of 100 characters."""
    assert main(["manual", page]) == 0
    source = directory / f"{page}.1"
    source.write_text(capsys.readouterr().out, encoding="utf-8")
    done = subprocess.run(
        ["man", "--warnings", "--encoding=ascii", "-l", str(source)],
        env={"PATH": os.environ["PATH"], "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return re.sub(r".\x08", "", done.stdout)


def indent_of_text(page: str) -> int:
    """Return how far this groff indents text: 5 characters since 1.24, and 7 before."""
    found = re.search(r"^NAME\n( +)", page, re.M)
    assert found is not None
    return len(found[1])


def headings(page: str) -> list[str]:
    """Return the headings within the sections, which are indented less than the text."""
    return re.findall(rf"^ {{1,{indent_of_text(page) - 1}}}(\S.*)$", page, re.M)


def has_term(page: str, term: str) -> bool:
    """Tell whether a list explains the term: it begins a line, and is indented as text is."""
    return bool(re.search(rf"^ {{{indent_of_text(page)}}}{re.escape(term)}\b", page, re.M))


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return shown("alertmanager-supervisor", tmp_path, capsys)


@pytest.fixture
def service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return shown("supervisor-service", tmp_path, capsys)


def test_the_first_page_has_each_command_with_each_flag(program: str) -> None:
    flags = {flag for each in commands(all_parsers()) for a in each.arguments for flag in a.flags}

    assert headings(program) == [*COMMANDS]
    assert [flag for flag in sorted(flags) if not re.search(rf"^ +{flag}\b", program, re.M)] == []
    assert "run-now [--state-dir DIR] MODULE ..." in program
    assert "once [MODULE ...] [--json]" in program
    assert "alertmanager-supervisor once --service Shop" in program


def test_the_first_page_has_exit_codes_and_variables(program: str) -> None:
    for term in (*map(str, ALL_EXIT_CODES), *ENVIRONMENT):
        assert has_term(program, term), term


def test_the_exit_codes_are_those_of_the_reference() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")]
    (table,) = [page.split("\n## Exit codes\n")[1] for page in pages if "\n## Exit codes\n" in page]
    codes = re.findall(r"^\| (\d+) \|", table.split("\n## ")[0], re.M)

    assert [int(code) for code in codes] == [*ALL_EXIT_CODES]


def test_the_second_page_has_each_key_and_each_check(service: str) -> None:
    keys = {schema_text.key_name(key) for _, _, cls in TABLES for key in schema_text.keys(cls)}
    keys -= OWN_TABLES - {"params"}

    assert [key for key in sorted(keys) if not has_term(service, key)] == []
    assert [check for check in known_checks() if check not in headings(service)] == []
    assert re.search(r"^ +max_use_percent \(integer or limits, required\)$", service, re.M)
    assert "(duration, default 30m)" in service
    assert "clear_after (integer or duration, default 1)" in service


def test_the_example_of_the_second_page_is_a_service_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Shop.toml").write_text(EXAMPLE, encoding="utf-8")

    assert main(["validate", "--service", "Shop", "--config-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("ok, 1 module\n")
