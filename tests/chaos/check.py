"""The check of the chaos runs: what it sees follows from seed and time, and it writes that down.

Each run appends a line to the module's journal before it returns, and leaves its own number as
its state: the next life of the supervisor then tells which run was the last to be committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from supervisor.api import Condition, Context, Observation, Report

INSTANCES = ("a", "b")
PERIODS = (2, 5, 11, 31)
"""Seconds for which a condition stays as it is; the shortest flap faster than they can be shown."""

POISON = "poison"
VENOM = "venom"
"""Words in a message for which some peers, or all of them, refuse the alert."""


@frozen
class Params:
    """`journal` is a directory; once the file `quiet` exists, nothing changes any more.

    `report_chance` is that of a run to report something. With `once` no condition ever comes
    back, and each has an instance of its own; it begins after `since` (Unix seconds) and before
    it is quiet, and then lasts its whole period.
    """

    seed: int
    journal: Path
    quiet: Path
    report_chance: float = 0.05
    periods: tuple[int, ...] = PERIODS
    refused: str = ""
    once: bool = False
    since: float = 0.0


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what the script says of this moment."""
    now = time.time()
    number = str(time.time_ns())
    quiet = params.quiet.stat().st_mtime if params.quiet.exists() else None
    messages = {
        name: _message(params, context.module, name, now, quiet=quiet is not None)
        for name in _true(params, context.module, now, quiet)
    }
    reports = [] if quiet is not None else _reports(params, context.module, number)
    line = {
        "number": number,
        "after": context.state.get("number", ""),
        "pid": os.getpid(),
        "at": now,
        "conditions": messages,
        "reports": reports,
    }
    _append(params.journal / f"{context.module}.jsonl", line)
    context.state["number"] = number
    return [
        *(Condition("Scripted", "E", name, text) for name, text in messages.items()),
        *(Report("Scripted report", token, f"<b>{token}</b>") for token in reports),
    ]


def _true(params: Params, module: str, now: float, quiet: float | None) -> Iterator[str]:
    """Yield the instances that are true now; `quiet` is since when nothing changes.

    What all peers refuse is then true: at the end there is always something to announce.
    """
    for instance in INSTANCES:
        period = params.periods[int(_chance(params.seed, module, instance) * len(params.periods))]
        step = int(now // period)
        if params.once:
            begins = params.since <= step * period <= (now if quiet is None else quiet)
            if begins and _chance(params.seed, module, instance, step) < 0.5:
                yield f"{instance}-{step}"
        elif (quiet is not None and params.refused == VENOM) or _chance(
            params.seed, module, instance, step if quiet is None else "quiet"
        ) < 0.5:
            yield instance


def _message(params: Params, module: str, instance: str, now: float, *, quiet: bool) -> str:
    if params.refused == VENOM:
        return f"{instance} is {VENOM}"
    step = int(now // 7)
    if params.refused and not quiet and _chance(params.seed, module, instance, step) < 0.5:
        return f"{instance} is {params.refused} {step}"
    return f"{instance} is at {0 if quiet else step}"


def _reports(params: Params, module: str, number: str) -> list[str]:
    if _chance(params.seed, module, number) >= params.report_chance:
        return []
    return [f"{module} {number} {ordinal}" for ordinal in range(1 + int(number) // 1000 % 2)]


def _chance(*parts: object) -> float:
    """Return a number from 0 to 1 that follows from the parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2.0**48


def _append(path: Path, line: object) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)
