"""The command `doctor`: run all examinations and print what they found."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from rich.console import Console
from rich.text import Text

from supervisor.commands.options import add_state_dir, load_service_file, state_dirs
from supervisor.config.service import Service
from supervisor.config.warnings import warnings
from supervisor.doctor.examine import examine
from supervisor.doctor.findings import Examination, Finding
from supervisor.host import resolver
from supervisor.text import counted, printable

INDENT = 11
"""Columns of the terminal before the text of a line."""

MIN_TEXT_WIDTH = 30
"""Columns for the text of a line, however narrow the terminal is."""

_STYLES = {"ok": "green", "warning": "yellow", "FAILED": "bold red"}
"""The style of each mark."""


EXAMPLES = (
    ("doctor --service Shop", "look at all that alerts depend on"),
    ("doctor --service Shop --json", "the same for machines"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "nothing failed",
    1: "something failed; each line has its remedy",
    2: "the command line is wrong",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what was found. Return 1 if a finding is serious."""
    service = load_service_file(options)
    sections = with_warnings(service, resolver.run(examine, service, state_dirs(options)))
    if options.json:
        print(json.dumps(as_json(service, sections), ensure_ascii=False, indent=2))
    else:
        print_sections(sections)
    return exit_code(sections)


def with_warnings(service: Service, sections: Sequence[Examination]) -> list[Examination]:
    """Return the sections, the first one with the warnings about the service file."""
    found = tuple(
        Finding(f"{each.key}: {each.wrong}", each.remedy, serious=False)
        for each in warnings.find(service)
    )
    first, *others = sections
    return [attrs.evolve(first, findings=first.findings + found), *others]


def exit_code(sections: Iterable[Examination]) -> int:
    """Return 1 if a finding is serious, else 0."""
    return 1 if any(finding.serious for section in sections for finding in section.findings) else 0


def as_json(service: Service, sections: Sequence[Examination]) -> dict[str, Any]:
    """Return the sections for machines."""
    return {
        "service": service.service,
        "ok": exit_code(sections) == 0,
        "sections": [attrs.asdict(section) for section in sections],
    }


def print_sections(sections: Sequence[Examination]) -> None:
    """Print each line under its subject, then the number of failures and warnings."""
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for section in sections:
        console.print(Text(printable(section.subject), "bold"))
        for mark, line in _lines(section, width):
            console.print(Text.assemble((f"  {mark}".ljust(INDENT), _STYLES.get(mark, "")), line))
        console.print()
    console.print(Text(_verdict(sections), "bold"))


def _lines(section: Examination, width: int | None) -> Iterator[tuple[str, str]]:
    """Yield each line, with a mark where a new entry begins."""
    for what in section.good:
        yield from _wrapped("ok", what, width)
    for finding in sorted(section.findings, key=lambda each: not each.serious):
        yield from _wrapped("FAILED" if finding.serious else "warning", finding.what, width)
        yield from _wrapped("", f"→ {finding.remedy}", width)


def _wrapped(mark: str, text: str, width: int | None) -> Iterator[tuple[str, str]]:
    shown = printable(text)
    lines = [shown] if width is None else textwrap.wrap(shown, max(MIN_TEXT_WIDTH, width - INDENT))
    for number, line in enumerate(lines):
        yield ("" if number else mark), line


def _verdict(sections: Sequence[Examination]) -> str:
    findings = [finding for section in sections for finding in section.findings]
    failed = sum(finding.serious for finding in findings)
    warnings = len(findings) - failed
    parts = [f"{failed} failed"] if failed else ["Nothing failed"]
    if warnings:
        parts.append(counted(warnings, "warning"))
    return ", ".join(parts)
