"""Examines all that a service needs: its state directory, secrets, modules and Alertmanagers.

Called by the command `doctor`. It asks and reads only. Nothing is sent or stored.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import trio
from rich.console import Console
from rich.text import Text

from supervisor.config.service import Service
from supervisor.doctor import calendars, modules, peer, secrets, state_dir
from supervisor.doctor.findings import Examination, Finding
from supervisor.text import printable

_MINOR = re.compile(r"python3\.([0-9]+)")
"""The name of a Python."""


async def examine(service: Service, state_dirs: Sequence[Path]) -> list[Examination]:
    """Look at everything at the same time. On a terminal, show what has not answered yet."""
    examinations = _examinations(service, state_dirs)
    found: dict[int, Examination | None] = {}
    with Console(stderr=True).status("looking …") as shown:

        async def look(number: int) -> None:
            found[number] = await examinations[number][1]()
            waiting = [name for each, (name, _) in enumerate(examinations) if each not in found]
            if waiting:
                shown.update(Text(f"waiting for {', '.join(map(printable, waiting))}"))

        async with trio.open_nursery() as nursery:
            for number in range(len(examinations)):
                nursery.start_soon(look, number)
    first = (_service_file(service), calendars.examine_calendars(service))
    return [*filter(None, (*first, *(found[number] for number in range(len(examinations)))))]


def _examinations(
    service: Service, state_dirs: Sequence[Path]
) -> list[tuple[str, Callable[[], Awaitable[Examination | None]]]]:
    """Return what to look at, each with a short name, in the order in which it is shown."""
    wanted: list[tuple[str, Callable[[], Awaitable[Examination | None]]]] = [
        ("the state directory", partial(state_dir.examine_state, service, state_dirs)),
        ("secrets", partial(secrets.examine_secrets, service)),
    ]
    if service.fallback is not None:
        from supervisor.doctor.fallback.examine import examine_fallback  # few services have one

        wanted.append(("the fallback", partial(examine_fallback, service)))
    for number, module, _ in modules.examinable(service):
        wanted.append((module.name, partial(modules.examine_module, service, number)))
    for url in service.alertmanager.urls:
        wanted.append((url, partial(peer.examine, url, service)))
    if not service.alertmanager.urls:
        wanted.append(("Alertmanager", _without_peers))
    return wanted


async def _without_peers() -> Examination:
    what = "alertmanager.urls names none: alerts are printed and not sent"
    return Examination("Alertmanager", (what,))


def _service_file(service: Service) -> Examination:
    on = sum(module.enabled for module in service.modules)
    what = f"{service.path} is valid; {on} of {len(service.modules)} modules are enabled"
    python = Path(os.path.realpath(sys.executable))
    return Examination(f"Service {service.service}", (what,), tuple(old_python(python)))


def old_python(python: Path) -> Iterator[Finding]:
    """Yield that the system has a newer Python beside the one that we run with.

    An upgrade of the system leaves the old one, but its package may be removed.
    """
    newest = Path(os.path.realpath(python.with_name("python3")))
    ours, theirs = (_MINOR.fullmatch(each.name) for each in (python, newest))
    if ours and theirs and int(theirs[1]) > int(ours[1]):
        yield Finding(
            f"it runs with Python 3.{ours[1]}, but the system has Python 3.{theirs[1]} now, and "
            "may remove the old one",
            "run scripts/install again",
            serious=False,
        )
