"""What a conversion tells at its end: a table for people, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from supervisor.convert.conversion import Conversion
from supervisor.convert.family.files import Family
from supervisor.convert.mapping.journal import Note
from supervisor.convert.service_file.secrets import Secrets
from supervisor.text import counted

_HEAD = ("MODULE", "CHECK", "FROM", "SCHEDULE", "KEYS")
"""The heads of the table's columns."""

_WIDEST = 48
"""The characters of a cell; longer ones are cut."""


@frozen
class Outcome:
    """What became of one conversion."""

    conversion: Conversion
    """The converted file."""

    output: Path
    """Where it goes."""

    state: str
    """What was done: `written`, `unchanged` or, with `--check`, `differs`."""


@frozen
class SharedOutcome:
    """What became of the family."""

    family: Family
    """The family, whether it is written or not."""

    output: Path
    """Where it goes."""

    state: str
    """What was done, as for each file. It does not count if the family is not shorter."""


@frozen
class Report:
    """All that a run tells."""

    outcomes: Sequence[Outcome]
    """What became of each file."""

    secrets: Secrets
    """The secrets of all files."""

    family: SharedOutcome | None = None
    """What became of the family. None: no family was asked for."""


def as_text(report: Report) -> str:
    """Return the report for people."""
    parts = [] if report.family is None else ["\n".join(_family(report.family))]
    parts += ["\n".join(_file(outcome, report.secrets)) for outcome in report.outcomes]
    return "\n\n".join(parts)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report for machines."""
    files = [_file_json(outcome, report.secrets) for outcome in report.outcomes]
    return {
        "files": files,
        **({} if report.family is None else {"family": _family_json(report.family)}),
    }


def _family(shared: SharedOutcome) -> Iterator[str]:
    family = shared.family
    count = f"{family.lines} lines with its hosts, {family.lines_alone} without a family"
    if not family.is_shorter:
        yield f"{shared.output}: not written, since it saves nothing: {count}"
        return
    yield f"{len(family.hosts)} hosts -> {shared.output}: {shared.state}"
    yield f"  {count}; comments do not count"
    yield "  proven: each host with its family says the same as its file alone"
    if family.names:
        yield "  variables, for what differs:"
        yield from (f"    {name}" for name in family.names)
    if family.comments:
        yield f"  {counted(family.comments, 'comment')} left out, since not all inputs have them"


def _family_json(shared: SharedOutcome) -> dict[str, Any]:
    family = shared.family
    return {
        "output": str(shared.output),
        "state": shared.state if family.is_shorter else "not shorter",
        "lines": family.lines,
        "lines_alone": family.lines_alone,
        "variables": list(family.names),
    }


def _file(outcome: Outcome, secrets: Secrets) -> Iterator[str]:
    made, journal = outcome.conversion, outcome.conversion.journal
    yield f"{made.source} -> {outcome.output}: {outcome.state}"
    rows = [_HEAD] + [
        (module.name, module.check, module.legacy, module.schedule, str(module.keys))
        for module in journal.modules
    ]
    yield from (f"  {line}" for line in _aligned(rows))
    yield f"  {len(journal.mapped)} keys mapped, {len(journal.unmapped)} not"
    yield from _notes("not mapped (the agent's, without a counterpart)", journal.unmapped)
    if journal.defaults:
        yield "  assumed:"
        yield from (f"    {text}" for text in journal.defaults)
    if made.secret_names:
        where = (
            secrets.directory or "nowhere: give --secrets-dir, or make credentials of these names"
        )
        yield f"  secrets, in {where}:"
        yield from (f"    {name}" for name in made.secret_names)
    yield from _notes("look at", journal.warnings)


def _notes(title: str, notes: Sequence[Note]) -> Iterator[str]:
    if notes:
        yield f"  {title}:"
        for note in sorted(notes, key=lambda note: note.line):
            yield f"    line {note.line}: {note.text}" if note.line else f"    {note.text}"


def _file_json(outcome: Outcome, secrets: Secrets) -> dict[str, Any]:
    made, journal = outcome.conversion, outcome.conversion.journal
    directory = secrets.directory
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
            for name in made.secret_names
        ],
    }


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    short = [tuple(map(_cut, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]


def _cut(cell: str) -> str:
    return cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 1]}…"
