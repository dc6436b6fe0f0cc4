"""The tree of tasks and nurseries: what each task waits on, and its deadline. Read from trio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import trio

MAX_FRAMES = 50
"""Frames of a task that are looked at."""

_TRIO = str(Path(trio.__file__).parent)


def describe(task: trio.lowlevel.Task, now: float) -> dict[str, Any]:
    """Return a task with all tasks below it. `now` is trio's time, from which deadlines count."""
    deadline = _deadline(task) - now
    return {
        "name": task.name,
        "waits_on": waits_on(task),
        "deadline_seconds": None if math.isinf(deadline) else round(deadline, 3),
        "children": _below(task, task.child_nurseries, now),
    }


def _below(
    task: trio.lowlevel.Task, nurseries: Sequence[trio.Nursery], now: float
) -> list[dict[str, Any]]:
    """Return the tasks of a task's nurseries. Each nursery is inside the one before it."""
    if not nurseries:
        return []
    outer, inner = nurseries[0], nurseries[1:]
    children = [describe(child, now) for child in outer.child_tasks]
    if not inner:
        return children
    further = {
        "name": f"nursery {_name(task, inner[0])}",
        "waits_on": "",
        "deadline_seconds": None,
        "children": _below(task, inner, now),
    }
    return [*children, further]


def _name(task: trio.lowlevel.Task, nursery: trio.Nursery) -> str:
    """Return the name of a nursery in the code of the task that opened it."""
    for frame, _ in _frames(task):
        for name, value in frame.f_locals.items():
            if value is nursery:
                return name
    return "without a name"


def waits_on(task: trio.lowlevel.Task) -> str:
    """Return where a task waits: our innermost function, and the function of trio that it calls."""
    ours = trios = None
    for frame, line in _frames(task):
        code = frame.f_code
        if code.co_filename.startswith(_TRIO):
            trios = trios or code
        else:
            ours, trios = (code, line), None
    if ours is None:
        return trios.co_qualname if trios else "nothing"
    code, line = ours
    where = f"{Path(code.co_filename).name}:{line} {code.co_qualname}"
    return f"{where} in {trios.co_qualname}" if trios else where


def _frames(task: trio.lowlevel.Task) -> Iterator[tuple[FrameType, int]]:
    for count, (frame, line) in enumerate(task.iter_await_frames()):
        if count >= MAX_FRAMES:
            return
        yield frame, line


def _deadline(task: trio.lowlevel.Task) -> float:
    """Return trio's time at which the task will be cancelled. Trio has no public name for it."""
    status = getattr(task, "_cancel_status", None)
    if status is None:
        return math.inf
    found: float = status.effective_deadline()
    return found
