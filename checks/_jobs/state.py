"""What the check keeps from run to run, as JSON and as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from attrs import field, frozen
from cattrs import Converter

from checks._jobs.due import KnownClock
from checks._jobs.record import JobRecord
from checks._jobs.report import Instant
from supervisor.api import Json

MAX_TAKEN = 100
"""Reports that are remembered after their files are gone, so that a copy does not count."""

T = TypeVar("T")

_converter = Converter()


@frozen
class Known:
    """What the last run has left."""

    jobs: Mapping[str, JobRecord] = field(factory=dict)
    """By the job's name."""

    taken: tuple[str, ...] = ()
    """What the reports are called that were taken, the newest last."""

    clock: KnownClock | None = None
    """The clock at that run."""

    def after(
        self,
        jobs: Mapping[str, JobRecord],
        now: Instant,
        *,
        present: Collection[str],
        new: Iterable[str],
    ) -> dict[str, Json]:
        """Return what this run leaves.

        `present` are the taken reports whose files are still there, and `new` those that were
        taken now.
        """
        gone = [each for each in self.taken if each not in present]
        return {
            "jobs": {name: _converter.unstructure(record) for name, record in jobs.items()},
            "taken": [*gone[-MAX_TAKEN:], *sorted(present), *new],
            "clock": _converter.unstructure(KnownClock(now.at, now.uptime, now.boot)),
        }


def recall(state: Mapping[str, Json]) -> Known:
    """Return what the state holds. What cannot be read counts as unknown."""
    jobs, taken = state.get("jobs"), state.get("taken")
    return Known(
        jobs=dict(_records(jobs)) if isinstance(jobs, dict) else {},
        taken=tuple(filter(_is_text, taken)) if isinstance(taken, list) else (),
        clock=_structured(state.get("clock"), KnownClock),
    )


def _records(jobs: Mapping[str, Json]) -> Iterator[tuple[str, JobRecord]]:
    for name, value in jobs.items():
        if (record := _structured(value, JobRecord)) is not None:
            yield name, record


def _structured(value: Json, kind: type[T]) -> T | None:
    try:
        return _converter.structure(value, kind)
    except Exception:  # cattrs raises errors of many classes
        return None


def _is_text(value: Json) -> bool:
    return isinstance(value, str)
