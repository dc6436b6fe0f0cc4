"""Examines all that a service needs: its state directory, secrets, modules and Alertmanagers.

Called by the command `doctor`. It asks and reads only. Nothing is sent or stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio
from rich.console import Console
from rich.text import Text

from supervisor.config.service import Module, Service
from supervisor.doctor import peer, secrets, state_dir
from supervisor.doctor.findings import Examination, Finding
from supervisor.errors import CheckFailed
from supervisor.modules.loader import load_check
from supervisor.text import printable

MODULE_TIMEOUT = 60.0
"""Seconds at most for what a module names. The module's own timeout may be shorter."""


async def examine(service: Service, state_dirs: Sequence[Path]) -> list[Examination]:
    """Look at everything at the same time. On a terminal, show what has not answered yet."""
    examinations = _examinations(service, state_dirs)
    found: dict[int, Examination] = {}
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
) -> list[tuple[str, Callable[[], Awaitable[Examination]]]]:
    """Return what to look at, each with a short name, in the order in which it is shown."""
    wanted: list[tuple[str, Callable[[], Awaitable[Examination]]]] = [
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
) -> Examination:
    """Return what the check says about what its parameters name. A check may raise anything."""
    timeout = min(module.timeout, MODULE_TIMEOUT)
    problems: list[str] = []
    with trio.move_on_after(timeout) as scope:
        try:
            problems += map(str, await examine(module.params))
        except* (Exception, SystemExit) as group:
            problems += map(_explain, _leaves(group))
    if scope.cancelled_caught:
        problems.append(f"no answer within {timeout:g} s")
    good = () if problems else ("what it names is there and answers",)
    remedy = f"look whether it exists and lets this host in, or correct {where}"
    return Examination(
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


async def _without_peers() -> Examination:
    what = "alertmanager.urls names none: alerts are printed and not sent"
    return Examination("Alertmanager", (what,))


def _service_file(service: Service) -> Examination:
    on = sum(module.enabled for module in service.modules)
    what = f"{service.path} is valid; {on} of {len(service.modules)} modules are enabled"
    return Examination(f"Service {service.service}", (what,))
