"""One report of a job, as a file of the spool holds it. See docs/reference/jobs.md."""

from __future__ import annotations

import json
import math
import re

from attrs import evolve, frozen

from checks._common.printable import shown

FORMAT = 1
"""The newest format that is read."""

MAX_OUTPUT = 4096
"""Characters of a job's output that are kept."""

CLOCK_STEP = 30.0
"""Seconds by which the clock must be set to count. Less is corrected all the time."""

_IDENTITY = re.compile(r"[0-9a-f]{1,64}")
"""What a report or a run is called."""


@frozen
class Instant:
    """A time, as the wall clock and as the kernel count it. Both are in seconds."""

    at: float
    """Unix seconds, as the clock showed them then."""

    uptime: float = 0.0
    """Seconds since the kernel started, with those of a suspend."""

    boot: str = ""
    """Names the start of the kernel. Empty: unknown."""

    def by_clock(self, now: Instant) -> Instant:
        """Return it as the present clock has it, which may have been set. It is not after `now`."""
        at = min(self.at, now.at)
        if self.boot and self.boot == now.boot and self.uptime <= now.uptime:
            moved = now.at - (now.uptime - self.uptime)
            at = moved if abs(moved - at) > CLOCK_STEP else at
        return evolve(self, at=at)

    def order(self, now: Instant) -> tuple[bool, float]:
        """Return what sorts the times of one job.

        The clock may be set, and a report may be newer than the present run. So the kernel decides
        between those since its start, and all others are earlier.
        """
        is_of_this_boot = bool(now.boot) and self.boot == now.boot
        return is_of_this_boot, self.uptime if is_of_this_boot else self.at


@frozen
class JobReport:
    """Something that a job did."""

    id: str
    """Names the report. A copy of it has the same, and counts once."""

    job: str
    """The job's name."""

    is_start: bool
    """Whether it has started. Else it has ended."""

    when: Instant
    """When that was, as its file says."""

    run: str = ""
    """Names the run, so that its start and its end are found to be one. Empty: by hand."""

    pid: int = 0
    """The process that waits for the job. 0: there is none."""

    process_start: int = 0
    """When that process started, in the kernel's ticks."""

    pid_namespace: int = 0
    """Where that process has this number."""

    seconds: float | None = None
    """How long it took. None: unknown."""

    exit: int = 0
    """Its exit code. 0 is a success."""

    signal: int = 0
    """The signal that ended it, or 0."""

    output: str = ""
    """The last lines of its output."""

    @property
    def is_success(self) -> bool:
        """Whether the job has ended well."""
        return not self.is_start and not self.exit and not self.signal


def parse(content: bytes) -> JobReport:
    """Return the report in a file. Raises `ValueError` with what is wrong."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(document, dict) or type(document.get("format")) is not int:
        raise ValueError("is not a report")
    if document["format"] != FORMAT:
        raise ValueError(f"has format {document['format']}, this version reads {FORMAT}")
    event = document.get("event")
    if event not in ("start", "end"):
        raise ValueError("tells neither a start nor an end")
    return JobReport(
        id=_identity(document, "id"),
        job=_text(document, "job"),
        is_start=event == "start",
        when=Instant(_number(document, "at"), _number(document, "uptime"), _text(document, "boot")),
        run=_identity(document, "run") if document.get("run") else "",
        pid=_whole(document, "pid"),
        process_start=_whole(document, "process_start"),
        pid_namespace=_whole(document, "pid_namespace"),
        seconds=None if document.get("seconds") is None else _number(document, "seconds"),
        exit=_whole(document, "exit"),
        signal=_whole(document, "signal"),
        output=_text(document, "output", MAX_OUTPUT, lines=True),
    )


def _number(document: dict[str, object], key: str) -> float:
    value = document.get(key)
    if type(value) not in (int, float) or not 0 <= value < math.inf:  # type: ignore[operator]  # it is a number
        raise ValueError(f"has no {key}")
    return float(value)  # type: ignore[arg-type]  # as above


def _whole(document: dict[str, object], key: str) -> int:
    value = document.get(key) or 0
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"has a wrong {key}")
    return value


def _identity(document: dict[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not _IDENTITY.fullmatch(value):
        raise ValueError(f"has a wrong {key}")
    return value


def _text(document: dict[str, object], key: str, most: int = 200, *, lines: bool = False) -> str:
    value = document.get(key) or ""
    if not isinstance(value, str):
        raise ValueError(f"has a wrong {key}")  # noqa: TRY004 - a wrong file, not a wrong call
    if lines:
        return "\n".join(shown(line, 500) for line in value[-most:].splitlines()[-20:])
    if len(value) > most or not value.isprintable():
        raise ValueError(f"has a wrong {key}")
    return value
