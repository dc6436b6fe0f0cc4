"""Asks the checks what is wrong with what their parameters name: files, programs, databases.

`doctor` asks all of them, `validate` those that need this host alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import trio
from attrs import frozen

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
    places = Places.in_use(service) if problems else None
    findings = []
    for each in problems:
        remedy = each.remedy
        if not remedy and places is not None:
            place = places.where(("modules", number, *each.table)) or service.path
            remedy = (
                "look whether it exists and lets this host in, or correct module "
                f"'{module.name}' in {place}"
            )
        serious = not each.what.startswith(MINOR)
        findings.append(Finding(each.what.removeprefix(MINOR), remedy, serious=serious))
    return Examination(f"Module {module.name}", good, tuple(findings))


async def missing_on_this_host(service: Service) -> list[Problem]:
    """Return what a run would miss here: programs, files, logs. It needs no network."""
    found: dict[int, list[_Said]] = {}

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
        _located(places, number, each)
        for number, problems in sorted(found.items())
        for each in problems
    ]


@frozen
class _Said:
    """One answer of `examine`."""

    table: KeyPath
    """The table of the module whose parameters were examined."""

    what: str
    """What is wrong."""

    remedy: str
    """What to do about it. May be empty."""


def _located(places: Places, number: int, said: _Said) -> Problem:
    """Return a problem at its key. An answer of `examine` may begin with one: `argv: …`."""
    what = said.what.removeprefix(MINOR)
    key, _, rest = what.partition(": ")
    path: KeyPath = ("modules", number, *said.table)
    if rest and _KEY.fullmatch(key):
        steps = (int(index) if index else name for name, index in _STEP.findall(key))
        path, what = (*path, *steps), rest
    return places.problem(path, f"warning: {what}", said.remedy or "look whether it is there")


async def _problems(module: Module) -> list[_Said] | None:
    """Return what is wrong with the parameters, and with those that it has at other times.

    None: the check says that it looks at nothing for any of them.
    """
    answers = [await _answers(module, module.params)]
    answers += [await _answers(module, each.params) for each in module.during]
    if all(answer is None for answer in answers):
        return None
    tables: list[KeyPath] = [("params",)]
    tables += [("during", number, "params") for number in range(len(module.during))]
    found: dict[str, _Said] = {}
    for table, answer in zip(tables, answers, strict=True):
        for text in answer or ():
            what, _, remedy = text.partition("; ")
            found.setdefault(text, _Said(table, what, remedy))
    return [*found.values()]


async def _answers(module: Module, params: object) -> list[str] | None:
    """Return what the check says of some parameters. It may raise anything, and hang."""
    examine = load_check(module.check).examine
    timeout = min(module.timeout, MODULE_TIMEOUT)
    problems: list[str] = []
    with trio.move_on_after(timeout) as scope:
        try:
            answer = await examine(params) if examine is not None else None
            if answer is None:
                return None
            problems += map(str, answer)
        except* (Exception, SystemExit) as group:
            problems += map(_explain, _leaves(group))
    if scope.cancelled_caught:
        problems.append(f"no answer within {timeout:g} s")
    return problems


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _explain(error: BaseException) -> str:
    return str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
