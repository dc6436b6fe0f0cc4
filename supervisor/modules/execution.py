"""Run a check once, within its timeout."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping

import trio

from supervisor.alerts import sanitize
from supervisor.config.service import Module
from supervisor.errors import CheckFailed
from supervisor.modules.context import Context
from supervisor.modules.loader import Check
from supervisor.observations import Json, Observation, Run

MOST_OBSERVATIONS = 100_000

AT_ONCE = 500
"""So many observations are looked at before other tasks have their turn."""

MOST_STATE_BYTES = 64 * 1024


async def execute(module: Module, check: Check, context: Context, scheduled: float) -> Run:
    """Run a check once within its timeout; whatever it does comes back as a `Run`.

    Cancellation from outside is passed on: a run that is stopped did not happen.
    """
    started = context.clock()
    begun = trio.current_time()
    observations: tuple[Observation, ...] = ()
    error = trace = ""
    state: Mapping[str, Json] = {}
    with trio.CancelScope(deadline=begun + module.timeout) as scope:
        try:
            found = await check.run(context, module.params)
            observations = await _checked(found)
            state = _checked_state(context.state)
        except* (Exception, SystemExit) as group:
            error, trace = _explain(group)
    # A check that finds out only after its deadline has no say: it may have lost its own
    # cancellation and the world has moved on.
    timed_out = scope.cancel_called
    if timed_out:
        observations, trace = (), ""
        error = f"timed out after {module.timeout:g} s"
    return Run(
        module=module.name,
        scheduled=scheduled,
        started=started,
        seconds=trio.current_time() - begun,
        observations=() if error else observations,
        error=error,
        traceback=trace,
        timed_out=timed_out,
        state={} if error else state,
    )


async def _checked(found: object) -> tuple[Observation, ...]:
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise CheckFailed(f"the check returned {type(found).__name__}, which is no list")
    observations: list[Observation] = []
    for item in found:
        if len(observations) == MOST_OBSERVATIONS:
            raise CheckFailed(f"the check returned more than {MOST_OBSERVATIONS} observations")
        observations.append(sanitize.clean_observation(item))
        if not len(observations) % AT_ONCE:
            await trio.lowlevel.checkpoint()  # other modules have their timetable, too
    return tuple(observations)


def _checked_state(state: object) -> Mapping[str, Json]:
    try:
        text = json.dumps(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckFailed(f"the check left a state that is no JSON: {error}") from None
    if not isinstance(state, dict) or len(text) > MOST_STATE_BYTES:
        raise CheckFailed(
            f"the check left a state that is no object of at most {MOST_STATE_BYTES} B"
        )
    copy: dict[str, Json] = json.loads(text)
    return copy


def _explain(group: BaseExceptionGroup[BaseException]) -> tuple[str, str]:
    """Return message and traceback of what a check raised; a group of one is that one."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, CheckFailed):
        return str(error) or "the check failed", ""
    if isinstance(error, BaseExceptionGroup):
        leaves = "; ".join(_explain_leaf(leaf) for leaf in error.exceptions)
        message = f"{len(error.exceptions)} errors: {leaves}"
    else:
        message = _explain_leaf(error)
    return message, "".join(traceback.format_exception(error, limit=-20))


def _explain_leaf(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # an exception whose own text raises
        return type(error).__name__
