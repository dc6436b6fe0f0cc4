"""The table in docs/reference/checks.md for who comes from Monit, Icinga or Telegraf.

Each check says in its docstring "Coming from Monit: …; Icinga: …; Telegraf: ….". The table must
say the same. If it does not, the test prints the table that belongs there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from supervisor.modules.loader import known_checks, load_check

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "checks.md").read_text(
    encoding="utf-8"
)
PROGRAMS = ("Monit", "Icinga", "Telegraf")


def predecessors(check: str) -> Mapping[str, str]:
    """Return by program what the check takes the place of there."""
    found = re.search(r"^Coming from (.*?)\.$", load_check(check).doc, re.M | re.S)
    if found is None:
        return {}
    parts = " ".join(found[1].split()).split("; ")
    return {program: names for program, _, names in (part.partition(": ") for part in parts)}


def table() -> str:
    rows = {check: predecessors(check) for check in known_checks()}
    lines = [f"| here | {' | '.join(PROGRAMS)} |", "|---|---|---|---|"]
    lines += [
        f"| `{check}` | {' | '.join(found.get(program, '') for program in PROGRAMS)} |"
        for check, found in rows.items()
        if found
    ]
    without = ", ".join(f"`{check}`" for check, found in rows.items() if not found)
    return "\n".join(lines).replace("|  ", "| ") + f"\n\nThese they have not: {without}.\n"


def test_each_check_names_only_programs_that_the_table_has() -> None:
    named = {program for check in known_checks() for program in predecessors(check)}

    assert named == set(PROGRAMS)


def test_the_table_is_what_the_checks_say_of_themselves() -> None:
    assert table() in PAGE, f"put this into docs/reference/checks.md:\n\n{table()}"


def test_each_check_has_a_section_of_its_own() -> None:
    titles = re.findall(r"^## (.*)$", PAGE, re.M)
    named = {name.strip() for title in titles for name in title.split(",")}

    assert [check for check in known_checks() if check not in named] == []
