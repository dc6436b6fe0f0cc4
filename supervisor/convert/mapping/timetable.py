"""When a module runs: `ExecuteTime` and `Interval` of the legacy agent as `at` and `every`.

Follows `AlertmanagerMonitor#initialize`: each part of `ExecuteTime` is a time or a range, read by
Ruby's `strptime("%R")`, which stops at the first character that does not fit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from attrs import define, field, frozen

from supervisor.config.times import at_labels
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Node, Scalar, Sequence, is_false_or_null, is_null
from supervisor.text import shortened

DAY = 86400
"""The seconds of a day."""

POLL = 4
"""The agent looks every 4 seconds whether a module is due."""

MIDNIGHT = "crosses midnight"
"""Part of the note on a range that ends the next day; the supervisor runs it to its end."""

SUB_MINUTE = "at most once a minute"
"""Part of the note on a short Interval; the supervisor runs the module that often."""

_TIME = re.compile(r"(?: ([0-9])|([0-9]{1,2})):([0-9]{1,2})")
"""A time as Ruby's `strptime("%R")` takes it."""

_PLAIN = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00")
"""A time that everybody reads as the agent did."""

_REMEDY = "write for example 09:00,16:30 or 08:00-18:00"
"""What to do about an ExecuteTime that cannot be read."""


@frozen
class Range:
    """One part of `ExecuteTime`, in minutes after midnight."""

    first: int
    """When it begins."""

    last: int | None = None
    """When it ends; None for a single time."""


@define
class Timetable:
    """When one module runs."""

    at: tuple[str, ...] = ()
    """The times and ranges of the service file."""

    every: float | None = None
    """The seconds between two runs; None for single times."""

    agent: tuple[str, ...] = ()
    """The HH:MM of the agent's own list."""

    notes: list[str] = field(factory=list)
    """What a person should look at."""

    faults: list[Fault] = field(factory=list)
    """With what the agent could not start. The rest is not right then."""

    def refuse(self, line: int, wrong: str, remedy: str) -> None:
        """Note with what the agent could not start, once for a line."""
        fault = Fault(line, wrong, remedy)
        if all(fault.args != each.args for each in self.faults):
            self.faults.append(fault)

    @property
    def execute_times(self) -> str:
        """The text that the agent gave to its modules as ExecuteTimes."""
        return f"{self.agent[0]},{self.agent[-1]}"


def read(execute_time: Node | None, interval: Node | None, line: int) -> Timetable:
    """Return the timetable of a module."""
    timetable = Timetable()
    step = _interval(interval, timetable)
    if execute_time is None or is_false_or_null(execute_time):
        _repeat(timetable, step, line)
        return timetable
    ranges = _ranges(execute_time, timetable)
    if step is not None and step <= 0:
        wrong = "has an Interval that is not more than 0, with which the agent never starts"
        timetable.refuse(line, wrong, "write Interval: 300, or remove it")
    if timetable.faults:
        return timetable
    if step is not None and step < 1:
        timetable.notes.append("Interval is less than a second: 1 s is used")
        step = 1
    timetable.agent = tuple(_hhmm(minute) for each in ranges for minute in _agent(each, step))
    _write(timetable, ranges, step)
    return timetable


def _repeat(timetable: Timetable, step: float | None, line: int) -> None:
    """Set `every` of a module without ExecuteTime."""
    if step is None:
        if not timetable.faults:
            timetable.refuse(line, "has neither Interval nor ExecuteTime", "write Interval: 300")
        return
    timetable.every = step if step > 0 else POLL
    if step <= 0:
        timetable.notes.append(f"Interval is not more than 0: the agent ran it every {POLL} s")


def _interval(node: Node | None, timetable: Timetable) -> float | None:
    if node is None or is_null(node):
        return None
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value, re.ASCII):
        timetable.notes.append(
            "Interval is text, which the agent could not add: it is read as a number"
        )
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        wrong = "has an Interval that is not a number of seconds"
        timetable.refuse(node.span.first, wrong, "write for example Interval: 300")
        return None
    if value > 366 * DAY:
        timetable.refuse(node.span.first, "has an Interval of more than a year", "write less")
        return None
    return value


def _ranges(node: Node, timetable: Timetable) -> list[Range]:
    line = node.span.first
    if isinstance(node, Sequence):
        timetable.notes.append(
            "ExecuteTime is a list, which the agent could not split: each item is used"
        )
        return [each for item in node.items for each in _ranges(item, timetable)]
    value = node.value if isinstance(node, Scalar) else None
    if (
        isinstance(node, Scalar)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return [Range(_seconds(node, value, timetable))]
    if not isinstance(value, str):
        timetable.refuse(line, "has an ExecuteTime that is not a time", _REMEDY)
        return []
    # Ruby drops empty strings at the end of what it has split.
    parts = value.split(",")
    while parts and not parts[-1]:
        parts.pop()
    if not parts:
        wrong = "has an ExecuteTime without a time: the agent never ran it"
        timetable.refuse(line, wrong, _REMEDY)
    return [each for part in parts for each in _range(part.strip(" \t\n\v\f\r\0"), line, timetable)]


def _seconds(node: Scalar, value: float, timetable: Timetable) -> int:
    """Return the minute of a number: YAML makes seconds of 9:00, as of 25:00."""
    minute = math.floor(value) % DAY // 60
    if not re.match("[0-9_]+:", node.text):
        timetable.notes.append(
            f"ExecuteTime is a number, seconds after midnight: the agent ran it at {_hhmm(minute)}"
        )
    elif not _PLAIN.fullmatch(node.text):
        timetable.notes.append(
            f"ExecuteTime {_shown(node.text)} is not a time of the day: "
            f"the agent ran it at {_hhmm(minute)}"
        )
    return minute


def _range(text: str, line: int, timetable: Timetable) -> Iterator[Range]:
    """Yield one range, or nothing for one that cannot be read."""
    parts = text.split("-")
    while parts and not parts[-1]:
        parts.pop()
    if len(parts) > 2:
        timetable.notes.append(
            "a range of ExecuteTime has more than one '-': the first two times count"
        )
    minutes = [_minute(part, timetable) for part in parts[:2]]
    if not minutes or None in minutes:
        timetable.refuse(line, "has an ExecuteTime that the agent cannot read", _REMEDY)
    else:
        yield Range(*(minute for minute in minutes if minute is not None))


def _minute(text: str, timetable: Timetable) -> int | None:
    found = _TIME.match(text)
    hour, minute = (int(found[1] or found[2]), int(found[3])) if found else (99, 99)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    if not _PLAIN.fullmatch(text.strip()):
        said = f"ExecuteTime has {_shown(text)}, which the agent read as {hour:02}:{minute:02}"
        timetable.notes.append(said)
    return hour * 60 + minute


def _shown(text: str) -> str:
    return repr(shortened(text.strip(), most=20))


def _agent(each: Range, step: float | None) -> Iterator[int]:
    """Yield the minutes that the agent lists: its loop adds the step and only then looks."""
    yield each.first
    if step is None or each.last is None:
        return
    end, number = each.last * 60, 1
    while each.first * 60 + number * step <= end:
        yield int((each.first * 60 + number * step) // 60)
        number += 1


def _write(timetable: Timetable, ranges: list[Range], step: float | None) -> None:
    """Set `at` and `every`, and note where they differ from the agent's list."""
    notes = timetable.notes
    steps = step if step is not None and any(each.last is not None for each in ranges) else None
    at: list[str] = []
    for each in ranges:
        if each.last is None or steps is None:
            at.append(_hhmm(each.first))
            if each.last is not None:
                notes.append(f"ExecuteTime is a range, but without Interval: only {at[-1]} counts")
            continue
        at += _written(each.first, each.last, steps, notes)
    if steps is not None and any("-" in item for item in at):
        timetable.every = steps
    is_exact = not any(each in note for note in notes for each in (MIDNIGHT, SUB_MINUTE))
    at = list(dict.fromkeys(at))
    if is_exact and at_labels(tuple(at), timetable.every)[-1] != timetable.agent[-1]:
        at.append(timetable.agent[-1])  # the agent told its modules the last time of its list
    timetable.at = tuple(at)
    if steps is None and step is not None:
        notes.append("Interval is not used: with single times the agent ignored it")
    minutes = sorted({minute % 1440 for each in ranges for minute in _agent(each, steps)})
    pairs = zip(minutes, [*minutes[1:], minutes[0] + 1440], strict=True)
    if any(after - before == 1 for before, after in pairs):
        notes.append("runs in each of adjacent minutes, which the agent merged into one run")


def _written(start: int, last: int, step: float, notes: list[str]) -> list[str]:
    """Return a range as the service file has it; `start` and `last` may be 24:00."""
    first = start % 1440
    if last < start and first != last:
        notes.append(
            f"{_hhmm(first)}-{_hhmm(last)} {MIDNIGHT}: runs until then, "
            f"where the agent ran once, at {_hhmm(first)}"
        )
        return [f"{_hhmm(first)}-{_hhmm(last)}"]
    if step < 60:
        notes.append(f"runs every {step:g} s, where the agent ran {SUB_MINUTE}")
    elif step % 60:
        # The agent's list has whole minutes.
        minutes = dict.fromkeys(minute % 1440 for minute in _agent(Range(start, last), step))
        return [_hhmm(minute) for minute in minutes]
    if first == last % 1440:
        if last <= start:
            return [_hhmm(first)]
        last = 1439  # 00:00-24:00: its end is the next day's first time
    return [f"{_hhmm(first)}-{_hhmm(last)}"]


def _hhmm(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
