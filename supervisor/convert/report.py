"""What a conversion tells at its end: a table for people, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from supervisor.convert.conversion import Conversion
from supervisor.convert.mapping.journal import Note
from supervisor.convert.service_file.secrets import Vault

_HEAD = ("MODULE", "CHECK", "FROM", "SCHEDULE", "KEYS")


@frozen
class Outcome:
    """One conversion, where it goes, and what became of it: written, unchanged, kept, differs."""

    conversion: Conversion
    output: Path
    state: str


def as_text(outcomes: Sequence[Outcome], vault: Vault) -> str:
    """Return the report for people."""
    parts = ["\n".join(_file(outcome, vault)) for outcome in outcomes]
    return "\n\n".join(parts)


def as_json(outcomes: Sequence[Outcome], vault: Vault) -> dict[str, Any]:
    """Return the report for machines."""
    return {"files": [_file_json(outcome, vault) for outcome in outcomes]}


def _file(outcome: Outcome, vault: Vault) -> Iterator[str]:
    made, journal = outcome.conversion, outcome.conversion.journal
    yield f"{made.source} -> {outcome.output}: {outcome.state}"
    rows = [_HEAD] + [
        (module.name, module.check, module.legacy, module.schedule, str(module.keys))
        for module in journal.modules
    ]
    yield from (f"  {line}" for line in _aligned(rows))
    yield f"  {len(journal.mapped)} keys mapped, {len(journal.unmapped)} not"
    yield from _section("not mapped (the agent's, without a counterpart)", journal.unmapped)
    if journal.defaults:
        yield "  assumed:"
        yield from (f"    {text}" for text in journal.defaults)
    if made.secrets:
        where = vault.directory or "nowhere: give --secrets-dir, or make credentials of these names"
        yield f"  secrets, in {where}:"
        yield from (f"    {name}" for name in made.secrets)
    yield from _section("look at", journal.warnings)


def _section(title: str, notes: Sequence[Note]) -> Iterator[str]:
    if notes:
        yield f"  {title}:"
        for note in sorted(notes, key=lambda note: note.line):
            yield f"    line {note.line}: {note.text}" if note.line else f"    {note.text}"


def _file_json(outcome: Outcome, vault: Vault) -> dict[str, Any]:
    made, journal = outcome.conversion, outcome.conversion.journal
    directory = vault.directory
    return {
        "input": str(made.source),
        "output": str(outcome.output),
        "state": outcome.state,
        "service": made.service,
        "encoding": made.encoding,
        "modules": [asdict(module) for module in journal.modules],
        "mapped": [asdict(each) for each in journal.mapped],
        "unmapped": [{"line": note.line, "key": note.text} for note in journal.unmapped],
        "defaults": list(journal.defaults),
        "warnings": [asdict(note) for note in sorted(journal.warnings, key=lambda n: n.line)],
        "secrets": [
            {"name": name, "file": None if directory is None else str(directory / name)}
            for name in made.secrets
        ],
    }


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    short = [tuple(cell if len(cell) <= 48 else f"{cell[:47]}…" for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]
