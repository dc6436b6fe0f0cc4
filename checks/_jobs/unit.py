"""Jobs that are units of systemd: when they last ran and how that ended. No wrapper is needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from checks._common.printable import shown
from checks._jobs.report import Instant, JobReport
from supervisor.api import CheckFailed, run_command

PROPERTIES = (
    "Id",
    "Names",
    "LoadState",
    "ActiveState",
    "Result",
    "ExecMainStartTimestamp",
    "ExecMainExitTimestamp",
    "ExecMainCode",
    "ExecMainStatus",
)
"""What is asked for. None holds free text."""

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}
"""The variables that keep systemctl's output plain and in English."""

MAX_ANSWER_BYTES = 1 << 20
"""The most bytes of systemctl's answer."""

RUNS = ("active", "activating", "reloading", "deactivating")
"""The states of a unit whose program may run."""

BY_SIGNAL = ("2", "3")
"""The codes of `ExecMainCode` for a program that a signal has ended."""

_TIME = re.compile(r"@([0-9]{1,15}(?:\.[0-9]{1,9})?)")
"""A time as `--timestamp=unix` writes it."""


async def ask(units: Sequence[tuple[str, str]]) -> dict[str, list[JobReport]]:
    """Return the last start and the last end of each unit, as reports, by the job's name.

    `units` are pairs of job and unit. Raises `CheckFailed`.
    """
    names = [unit for _, unit in units]
    asked = await run_command(
        [
            "systemctl",
            "show",
            "--timestamp=unix",
            f"--property={','.join(PROPERTIES)}",
            "--",
            *names,
        ],
        env=ENVIRONMENT,
        keep=MAX_ANSWER_BYTES,
    )
    text = asked.stdout.decode(errors="replace")
    if asked.status != 0:
        why = " ".join(asked.stderr.decode(errors="replace").split())
        raise CheckFailed(f"cannot ask systemd: {shown(why, 500) or f'status {asked.status}'}")
    blocks = [dict(_pairs(block)) for block in re.split(r"\n[ \t]*\n", text) if block.strip()]
    known = {name: block for block in blocks for name in _names(block)}
    found = {}
    for job, unit in units:
        if unit not in known:
            raise CheckFailed(f"systemctl says nothing about {unit}")
        if known[unit].get("LoadState") == "not-found":
            raise CheckFailed(f"systemd does not know {unit}, the unit of job {job}")
        found[job] = [*_reports(job, known[unit])]
    return found


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            yield key, value


def _names(block: dict[str, str]) -> set[str]:
    return {block.get("Id", ""), *block.get("Names", "").split()} - {""}


def _reports(job: str, unit: dict[str, str]) -> Iterator[JobReport]:
    start = _time(unit.get("ExecMainStartTimestamp", ""))
    if start is None:  # it has never run since the system started
        return
    run = _identity(job, start)
    began = Instant(start)
    yield JobReport(_identity(job, "start", start), job, is_start=True, when=began, run=run)
    end = _time(unit.get("ExecMainExitTimestamp", ""))
    if unit.get("ActiveState") in RUNS or end is None or end < start:
        return
    result = unit.get("Result", "success")
    status = int(unit["ExecMainStatus"]) if unit.get("ExecMainStatus", "").isdecimal() else 0
    is_signal = unit.get("ExecMainCode") in BY_SIGNAL
    yield JobReport(
        id=_identity(job, "end", end),
        job=job,
        is_start=False,
        when=Instant(end),
        run=run,
        seconds=end - start,
        exit=0 if result == "success" else (0 if is_signal else status or 1),
        signal=status if is_signal and result != "success" else 0,
        output="" if result == "success" else f"systemd says: {shown(result, 50)}",
    )


def _time(text: str) -> float | None:
    match = _TIME.fullmatch(text)
    return float(match[1]) if match else None


def _identity(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
