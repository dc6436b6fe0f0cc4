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
from supervisor.modules.during import params_at
from supervisor.modules.loader import Check
from supervisor.observations import Json, Observation, Run

MAX_OBSERVATIONS = 100_000
"""Observations of one run. A check that returns more has failed."""

OBSERVATIONS_PER_TURN = 500
"""How many observations are cleaned before other tasks have their turn."""

MAX_STATE_BYTES = 64 * 1024
"""Length of what a check keeps from run to run, as ASCII JSON."""

MAX_TRACEBACK_FRAMES = 20
"""Frames of a traceback that are kept. These are the innermost ones."""


async def execute(module: Module, check: Check, context: Context, scheduled: float) -> Run:
    """Run a check once within its timeout. Return a `Run`, whatever the check does.

    A cancellation from outside is passed on, and then there is no run.
    """
    started = context.clock()
    begun = trio.current_time()
    params = params_at(module, context.timezone, started)
    observations: tuple[Observation, ...] = ()
    error = trace = ""
    state: Mapping[str, Json] = {}
    with trio.CancelScope(deadline=begun + module.timeout) as scope:
        try:
            found = await check.run(context, params)
            observations = await _checked(found)
            state = _checked_state(context.state)
        except* (Exception, SystemExit) as group:
            error, trace = _explain(group)
    # What a check returns after its deadline does not count. It may have ignored its
    # cancellation, and its result may be old.
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
        output="".join(context.shown),
    )


async def _checked(found: object) -> tuple[Observation, ...]:
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise CheckFailed(f"the check returned {type(found).__name__}, which is not a list")
    observations: list[Observation] = []
    for item in found:
        if len(observations) == MAX_OBSERVATIONS:
            raise CheckFailed(f"the check returned more than {MAX_OBSERVATIONS} observations")
        observations.append(sanitize.clean_observation(item))
        if not len(observations) % OBSERVATIONS_PER_TURN:
            await trio.lowlevel.checkpoint()  # let other modules keep their timetables
    return tuple(observations)


def _checked_state(state: object) -> Mapping[str, Json]:
    if state == {}:
        return {}  # most checks keep nothing
    try:
        text = json.dumps(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckFailed(f"the check left a state that is not JSON: {error}") from None
    if not isinstance(state, dict) or len(text) > MAX_STATE_BYTES:
        raise CheckFailed(
            f"the check left a state that is not an object of at most {MAX_STATE_BYTES} B"
        )
    copy: dict[str, Json] = json.loads(text)
    return copy


def _explain(group: BaseExceptionGroup[BaseException]) -> tuple[str, str]:
    """Return message and traceback of what a check raised. A group of one error is that error."""
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
    return message, "".join(traceback.format_exception(error, limit=-MAX_TRACEBACK_FRAMES))


def _explain_leaf(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # the exception's own `__str__` may raise anything
        return type(error).__name__
