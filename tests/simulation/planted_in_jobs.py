"""Faults that are planted in how jobs are followed. See `planted_faults`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve

from checks import jobs
from checks._jobs import spool
from checks._jobs.due import Timetable
from checks._jobs.record import JobRecord
from checks._jobs.report import Instant, JobReport
from checks._jobs.state import Known
from supervisor.api import Context, Json
from supervisor.config.service import Module
from supervisor.modules.context_factory import ContextFactory
from tests.simulation.jobs.script import MODULE


def a_report_is_removed_when_it_is_read(patch: pytest.MonkeyPatch) -> None:
    """A report leaves the spool before the ledger holds what it says."""
    take = spool._take

    def hasty(reading: spool.Reading, directory: int, name: str, *given: Any, **by: Any) -> None:
        before = len(reading.reports)
        take(reading, directory, name, *given, **by)
        if len(reading.reports) > before:
            os.unlink(name, dir_fd=directory)

    patch.setattr(spool, "_take", hasty)


def a_start_forgets_what_was_taken(patch: pytest.MonkeyPatch) -> None:
    """After a start or a reload, a report counts again that is still in the spool."""
    _at_a_start(patch, lambda context: context.state.update(taken=[]))


def a_copy_counts(patch: pytest.MonkeyPatch) -> None:
    """What a report is called is forgotten as soon as its file is gone."""
    after = Known.after

    def forgetful(self: Known, *given: Any, present: set[str], **by: Any) -> dict[str, Json]:
        taken = tuple(each for each in self.taken if each in present)
        return after(evolve(self, taken=taken), *given, present=present, **by)

    patch.setattr(Known, "after", forgetful)


def a_signal_is_a_success(patch: pytest.MonkeyPatch) -> None:
    """A job that a signal has ended counts as one that has ended well."""
    patch.setattr(
        JobReport, "is_success", property(lambda self: not self.is_start and not self.exit)
    )


def a_killed_wrapper_is_not_noticed(patch: pytest.MonkeyPatch) -> None:
    """A run whose wrapper is gone goes on for ever."""
    patch.setattr(jobs, "gone", lambda _: {})


def a_start_forgives_what_is_due(patch: pytest.MonkeyPatch) -> None:
    """After a start or a reload, a job has its whole time again."""

    def forgive(context: Context) -> None:
        known: Any = context.state.get("jobs", {})
        for record in known.values():
            record.update(since=context.clock(), success=None)

    _at_a_start(patch, forgive)


def grace_is_not_given(patch: pytest.MonkeyPatch) -> None:
    """A job is missing when it is due."""
    overdue = Timetable.overdue

    def strict(self: Timetable, record: JobRecord, now: float) -> float | None:
        return overdue(evolve(self, grace=0.0), record, now)

    patch.setattr(Timetable, "overdue", strict)


def times_stay_when_the_clock_is_set(patch: pytest.MonkeyPatch) -> None:
    """The age of a success is what the clock shows, whenever it was set."""

    def as_shown(self: Instant, now: Instant) -> Instant:
        return evolve(self, at=min(self.at, now.at))

    patch.setattr(Instant, "by_clock", as_shown)


def _at_a_start(patch: pytest.MonkeyPatch, change: Callable[[Context], object]) -> None:
    """Change what the first run of the module knows."""
    make = ContextFactory.context

    def context(
        self: ContextFactory, module: Module, kept: Mapping[str, Json] | None = None
    ) -> Context:
        made = make(self, module, kept)
        if kept is None and module.check == MODULE:
            change(made)
        return made

    patch.setattr(ContextFactory, "context", context)


PLANTED = (
    a_report_is_removed_when_it_is_read,
    a_start_forgets_what_was_taken,
    a_copy_counts,
    a_signal_is_a_success,
    a_killed_wrapper_is_not_noticed,
    a_start_forgives_what_is_due,
    grace_is_not_given,
    times_stay_when_the_clock_is_set,
)
"""All of them."""
