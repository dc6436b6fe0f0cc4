"""The `doctor` command: are peers, secrets, state and what the checks name as they must be?

It asks and reads only: nothing is sent to an Alertmanager, nothing is stored.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio
from rich.console import Console
from rich.text import Text

from supervisor.config.service import Module, Service
from supervisor.doctor import peer, secrets, state_dir
from supervisor.doctor.findings import Finding, Section
from supervisor.errors import CheckFailed
from supervisor.modules.loader import load_check
from supervisor.text import printable

PATIENCE = 60.0
"""Seconds for what a module names; less where the module's timeout is less."""

_MARKS = {"ok": "green", "warning": "yellow", "FAILED": "bold red"}
INDENT = 11
"""Columns before the text of a line."""


async def examine(service: Service, state_dirs: Sequence[Path]) -> list[Section]:
    """Look at everything at once; on a terminal show what is still waited for."""
    examinations = _examinations(service, state_dirs)
    found: dict[int, Section] = {}
    with Console(stderr=True).status("looking …") as shown:

        async def look(number: int) -> None:
            found[number] = await examinations[number][1]()
            waiting = [name for each, (name, _) in enumerate(examinations) if each not in found]
            if waiting:
                shown.update(Text(f"waiting for {', '.join(map(printable, waiting))}"))

        async with trio.open_nursery() as nursery:
            for number in range(len(examinations)):
                nursery.start_soon(look, number)
    return [_service_file(service), *(found[number] for number in range(len(examinations)))]


def _examinations(
    service: Service, state_dirs: Sequence[Path]
) -> list[tuple[str, Callable[[], Awaitable[Section]]]]:
    """Return what to look at, each with a short name, in the order in which it is shown."""
    wanted: list[tuple[str, Callable[[], Awaitable[Section]]]] = [
        ("the state directory", partial(state_dir.examine_state, service, state_dirs)),
        ("secrets", partial(secrets.examine_secrets, service)),
    ]
    for number, module in enumerate(service.modules):
        check = load_check(module.check) if module.enabled else None
        if check is not None and check.examine is not None:
            where = f"modules[{number}].params in {service.path}"
            wanted.append((module.name, partial(_examine_module, module, check.examine, where)))
    for url in service.alertmanager.urls:
        wanted.append((url, partial(peer.examine, url, service)))
    if not service.alertmanager.urls:
        wanted.append(("Alertmanager", _without_peers))
    return wanted


async def _examine_module(
    module: Module, examine: Callable[[Any], Awaitable[Iterable[str]]], where: str
) -> Section:
    """Return what the check itself says of what its parameters name; a check may raise anything."""
    patience = min(module.timeout, PATIENCE)
    problems: list[str] = []
    with trio.move_on_after(patience) as scope:
        try:
            problems += map(str, await examine(module.params))
        except* (Exception, SystemExit) as group:
            problems += map(_explain, _leaves(group))
    if scope.cancelled_caught:
        problems.append(f"no answer within {patience:g} s")
    good = () if problems else ("what it names is there and answers",)
    remedy = f"look whether it is there and lets this host in, or correct {where}"
    return Section(
        f"Module {module.name}", good, tuple(_finding(each, remedy) for each in problems)
    )


def _finding(problem: str, remedy: str) -> Finding:
    what, _, own = problem.partition("; ")
    return Finding(what, own or remedy)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _explain(error: BaseException) -> str:
    return str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"


async def _without_peers() -> Section:
    what = "alertmanager.urls names none: alerts are printed and sent nowhere"
    return Section("Alertmanager", (what,))


def _service_file(service: Service) -> Section:
    on = sum(module.enabled for module in service.modules)
    what = f"{service.path} is valid; {on} of {len(service.modules)} modules are enabled"
    return Section(f"Service {service.service}", (what,))


def exit_code(sections: Iterable[Section]) -> int:
    """Return 1 if something is serious, else 0."""
    return 1 if any(finding.serious for section in sections for finding in section.findings) else 0


def as_json(service: Service, sections: Sequence[Section]) -> dict[str, Any]:
    """Return the sections for machines."""
    return {
        "service": service.service,
        "ok": exit_code(sections) == 0,
        "sections": [attrs.asdict(section) for section in sections],
    }


def print_sections(sections: Sequence[Section]) -> None:
    """Print every line under its subject, and how many failed."""
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for section in sections:
        console.print(Text(printable(section.subject), "bold"))
        for mark, line in _lines(section, width):
            console.print(Text.assemble((f"  {mark:<9}", _MARKS.get(mark, "")), line))
        console.print()
    console.print(Text(_verdict(sections), "bold"))


def _lines(section: Section, width: int | None) -> Iterator[tuple[str, str]]:
    """Yield each line, with a mark where a new thing begins."""
    for what in section.good:
        yield from _wrapped("ok", what, width)
    for finding in sorted(section.findings, key=lambda each: not each.serious):
        yield from _wrapped("FAILED" if finding.serious else "warning", finding.what, width)
        yield from _wrapped("", f"→ {finding.remedy}", width)


def _wrapped(mark: str, text: str, width: int | None) -> Iterator[tuple[str, str]]:
    shown = printable(text)
    lines = [shown] if width is None else textwrap.wrap(shown, max(30, width - INDENT))
    for number, line in enumerate(lines):
        yield ("" if number else mark), line


def _verdict(sections: Sequence[Section]) -> str:
    findings = [finding for section in sections for finding in section.findings]
    failed = sum(finding.serious for finding in findings)
    warnings = len(findings) - failed
    parts = [f"{failed} failed"] if failed else ["Nothing failed"]
    if warnings:
        parts.append(f"{warnings} warning{'' if warnings == 1 else 's'}")
    return ", ".join(parts)
