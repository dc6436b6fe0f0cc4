"""The pages with tables that are made: finds the tables, and makes them again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scripts.reference import checks, commands, service_file

ROOT = Path(__file__).resolve().parent.parent.parent
"""The directory of this project."""

REFERENCE = ROOT / "docs" / "reference"
"""The pages that may have such tables."""

MADE = re.compile(
    r"^<!-- made: (?P<what>[^\n]+) -->\n(?P<old>.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL
)
"""What is made: what it is, and the text of today."""

MAKERS: Mapping[str, Callable[..., Iterator[str]]] = {
    "checks": checks.by_subject,
    "coming from": checks.coming_from,
    "arguments": commands.arguments,
    "database": checks.database,
    "environment": commands.environment,
    "exit codes": commands.exit_codes,
    "keys": service_file.keys,
    "parameters": checks.parameters,
    "shared flags": commands.shared_flags,
}
"""What can be made: its name, and what yields its lines. Further words of the comment are given."""


def old_pages() -> dict[Path, str]:
    """Return the pages with a table that is not as the code has it, and their right texts."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))}
    right = {path: made_again(text) for path, text in texts.items()}
    return {path: text for path, text in right.items() if text != texts[path]}


def made_again(text: str) -> str:
    """Return the text of a page with its tables as the code has them."""
    if text.count("<!-- made: ") != len(MADE.findall(text)):
        raise ValueError("a table that is made has no line <!-- end -->")
    return MADE.sub(_made, text)


def _made(old: re.Match[str]) -> str:
    name, _, rest = old["what"].partition(": ")
    lines = MAKERS[name](*rest.split())
    return "\n".join([f"<!-- made: {old['what']} -->", "", *lines, "", "<!-- end -->"])
