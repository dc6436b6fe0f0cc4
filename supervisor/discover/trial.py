"""Runs a first service file once, and takes out what fires. So nothing in it fires now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import evolve

from supervisor.discover.draft import Draft, Survey
from supervisor.observations import Condition, Run
from supervisor.text import shortened

MAX_ROUNDS = 4
"""How often the file is run. What still fires in the last round disables its module."""

RunOnce = Callable[[Survey], Sequence[Run]]
"""Runs each enabled module of the survey's file once."""


def without_what_fires(survey: Survey, run_once: RunOnce) -> Survey:
    """Return the survey without what fires or fails now."""
    for number in range(MAX_ROUNDS):
        bad = {run.module: run for run in run_once(survey) if run.error or conditions(run)}
        if not bad:
            break
        last = number == MAX_ROUNDS - 1
        survey = evolve(
            survey,
            modules=tuple(
                _tamed(draft, bad[draft.module], last=last) if draft.module in bad else draft
                for draft in survey.modules
            ),
        )
    return survey


def conditions(run: Run) -> list[Condition]:
    """Return what a run saw to be wrong."""
    return [item for item in run.observations if isinstance(item, Condition)]


def _tamed(draft: Draft, run: Run, *, last: bool) -> Draft:
    if run.error:
        why = f"the check fails now: {shortened(run.error, most=120)}"
        return evolve(draft, disabled=why)
    if last:
        return evolve(draft, disabled=_why(conditions(run)))
    return draft.without(conditions(run))


def _why(found: Iterable[Condition]) -> str:
    return f"it fires now: {shortened('; '.join(each.message for each in found), most=120)}"
