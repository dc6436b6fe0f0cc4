"""Asks the checks what is wrong with what their parameters name: files, programs, databases.

`doctor` asks all of them, `validate` those that need this host alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import trio

from supervisor.config.explain.report import Places
from supervisor.config.problems import KeyPath
from supervisor.config.service import Module, Service
from supervisor.doctor.findings import Examination, Finding
from supervisor.errors import CheckFailed, Problem
from supervisor.modules.loader import Check, load_check

MODULE_TIMEOUT = 60.0
"""Seconds at most for what a module names. The module's own timeout may be shorter."""

MINOR = "warning: "
"""How an answer of `examine` begins that `doctor` does not fail for."""

_KEY = re.compile(r"[a-z_]+(?:\[[0-9]+\]|\.[a-z_]+)*")
"""The key of a parameter, such as `logs[0].path`."""

_STEP = re.compile(r"([a-z_]+)|\[([0-9]+)\]")
"""A part of such a key: a name, or a position."""


def examinable(service: Service) -> Iterator[tuple[int, Module, Check]]:
    """Yield the enabled modules whose checks can examine what they name, with their positions."""
    for number, module in enumerate(service.modules):
        if module.enabled and (check := load_check(module.check)).examine is not None:
            yield number, module, check


async def examine_module(service: Service, number: int) -> Examination | None:
    """Return what the check of a module says about what its parameters name.

    None: they name nothing that it looks at.
    """
    module = service.modules[number]
    problems = await _problems(module)
    if problems is None:
        return None
    good = () if problems else ("what it names is there and answers",)
    remedy = "look whether it exists and lets this host in"
    if problems:
        place = Places.in_use(service).where(("modules", number, "params")) or service.path
        remedy += f", or correct module '{module.name}' in {place}"
    findings = tuple(
        Finding(what.removeprefix(MINOR), own or remedy, serious=not what.startswith(MINOR))
        for what, own in problems
    )
    return Examination(f"Module {module.name}", good, findings)


async def missing_on_this_host(service: Service) -> list[Problem]:
    """Return what a run would miss here: programs, files, logs. It needs no network."""
    found: dict[int, list[tuple[str, str]]] = {}

    async def look(number: int, module: Module) -> None:
        found[number] = await _problems(module) or []

    async with trio.open_nursery() as nursery:
        for number, module, check in examinable(service):
            if check.examines_this_host:
                nursery.start_soon(look, number, module)
    if not any(found.values()):
        return []
    places = Places.in_use(service)
    return [
        _located(places, number, what, own)
        for number, problems in sorted(found.items())
        for what, own in problems
    ]


def _located(places: Places, number: int, what: str, remedy: str) -> Problem:
    """Return a problem at its key. An answer of `examine` may begin with one: `argv: …`."""
    what = what.removeprefix(MINOR)
    key, _, rest = what.partition(": ")
    path: KeyPath = ("modules", number, "params")
    if rest and _KEY.fullmatch(key):
        steps = (int(index) if index else name for name, index in _STEP.findall(key))
        path, what = (*path, *steps), rest
    return places.problem(path, f"warning: {what}", remedy or "look whether it is there")


async def _problems(module: Module) -> list[tuple[str, str]] | None:
    """Return each problem with its remedy, which may be empty. A check may raise anything.

    None: the check says that it looks at nothing for these parameters.
    """
    examine = load_check(module.check).examine
    timeout = min(module.timeout, MODULE_TIMEOUT)
    problems: list[str] = []
    with trio.move_on_after(timeout) as scope:
        try:
            answer = await examine(module.params) if examine is not None else None
            if answer is None:
                return None
            problems += map(str, answer)
        except* (Exception, SystemExit) as group:
            problems += map(_explain, _leaves(group))
    if scope.cancelled_caught:
        problems.append(f"no answer within {timeout:g} s")
    parts = (problem.partition("; ") for problem in problems)
    return [(what, own) for what, _, own in parts]


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _explain(error: BaseException) -> str:
    return str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
