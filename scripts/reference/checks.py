"""The tables of docs/reference/checks.md and docs/reference/pnr-checks.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checks._database.server import Database
from scripts.reference import values
from scripts.reference.markdown import anchor, code, table
from supervisor.config import schema_text
from supervisor.config.json_schema.types import schema_of
from supervisor.modules.loader import Check, known_checks, load_check

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"
"""Where the pages are."""

SUBJECTS = ("checks.md", "pnr-checks.md")
"""The pages with the sections of checks, in their order."""

PROGRAMS = ("Monit", "Icinga", "Telegraf")
"""The programs that docstrings say checks come from."""

SHARED: Mapping[type[Any], str] = {Database: "[checks.md](checks.md#the-table-of-a-database)"}
"""Tables that several checks have. They are told once, there."""


def sections() -> Iterator[tuple[str, str, str]]:
    """Yield each check that has a section, with its subject and a link to the section.

    A subject is the heading above the check's own, be it that of the page.
    """
    known = known_checks()
    for page in SUBJECTS:
        subject = ""
        text = (PAGES / page).read_text(encoding="utf-8")
        for title in re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE):
            names = title.split(", ")
            if set(names) <= set(known):
                yield from ((name, subject, f"{page}#{anchor(title)}") for name in names)
            else:
                subject = title


def by_subject() -> Iterator[str]:
    """Yield the table of all checks, in the order of the sections."""
    before = ""
    rows = []
    for name, subject, link in sections():
        summary = load_check(name).doc.partition("\n")[0]
        link = link.removeprefix(SUBJECTS[0])
        rows.append(("" if subject == before else subject, f"[{code(name)}]({link})", summary))
        before = subject
    yield from table(("subject", "check", "what it does"), rows)


def parameters(*names: str) -> Iterator[str]:
    """Yield the tables of the parameters of a check. Several checks must have the same."""
    checks = [load_check(name) for name in names]
    texts = {tuple(_parameters(check.params)) for check in checks}
    if len(texts) > 1:
        raise ValueError(f"{' and '.join(names)} do not have the same parameters")
    yield from texts.pop()


def database() -> Iterator[str]:
    """Yield the table of the parameters of a database."""
    yield from _parameters(Database)


def predecessors(check: Check) -> Mapping[str, str]:
    """Return by program what the check takes the place of there."""
    found = re.search(r"^Coming from (.*?)\.$", check.doc, re.MULTILINE | re.DOTALL)
    if found is None:
        return {}
    parts = " ".join(found[1].split()).split("; ")
    return {program: names for program, _, names in (part.partition(": ") for part in parts)}


def coming_from() -> Iterator[str]:
    """Yield the table for who comes from another program, and the checks that are only here."""
    found = {name: predecessors(load_check(name)) for name in known_checks()}
    yield from table(
        ("here", *PROGRAMS),
        (
            (code(name), *(names.get(program, "") for program in PROGRAMS))
            for name, names in found.items()
            if names
        ),
    )
    yield ""
    yield f"Only here: {', '.join(code(name) for name, names in found.items() if not names)}."


def _parameters(
    cls: type[Any], title: str = "", outer: tuple[type[Any], ...] = ()
) -> Iterator[str]:
    """Yield the table of a class, then those of its inner tables."""
    schema = schema_of(cls)
    keys = schema_text.keys(cls)
    if title:
        yield from ("", title, "")
    yield from table(
        values.HEAD, (_row(key, schema["properties"][schema_text.key_name(key)]) for key in keys)
    )
    for key in keys:
        for several, inner in values.inner_tables(key.type):
            if inner not in (*outer, *SHARED):  # a table may contain tables of its own class
                name = code(schema_text.key_name(key))
                each = f"Each of {name}:" if several else f"{name}:"
                yield from _parameters(inner, each, (*outer, inner))


def _row(key: Any, schema: dict[str, Any]) -> values.Row:
    name, value, default, meaning = values.row(key, schema)
    for _, inner in values.inner_tables(key.type):
        if link := SHARED.get(inner):
            value = f"{value}, see {link}"
    return name, value, default, meaning
