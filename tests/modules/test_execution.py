"""One run of a check: its deadline, and what goes wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest
import trio

from supervisor.errors import CheckFailed
from supervisor.modules.context import Context
from supervisor.observations import Condition, Duration, Measurement, Observation, Report
from tests.modules.runner_bench import (
    FULL,
    START,
    Behaviour,
    exits,
    hangs,
    raises,
    raises_a_group,
    returns_numbers,
    run_once,
)


async def fails(_context: Context, _params: object) -> NoReturn:
    raise CheckFailed("cannot read the table: it is gone")


async def raises_two(_context: Context, _params: object) -> NoReturn:
    raise ExceptionGroup("both", [ValueError("one"), KeyError("two")])


async def returns_nothing(_context: Context, _params: object) -> object:
    return None


async def returns_text(_context: Context, _params: object) -> object:
    return "all is well"


async def returns_half_rubbish(_context: Context, _params: object) -> object:
    return [FULL, Condition("", "W", "/", "nameless")]


async def returns_without_end(_context: Context, _params: object) -> object:
    def endless() -> Iterator[Observation]:
        while True:
            yield FULL

    return endless()


async def test_observations_come_back_with_times_and_duration(autojump_clock: object) -> None:
    async def slow(_context: Context, _params: object) -> list[Observation]:
        await trio.sleep(2)
        return [FULL, Report("Daily", "hello"), Measurement("use", 93.0, "%")]

    run = await run_once(slow)

    assert (run.result, run.started, run.seconds, len(run.observations)) == (
        "conditions",
        START,
        2.0,
        3,
    )


async def test_a_hung_check_is_ended_at_its_timeout(autojump_clock: object) -> None:
    run = await run_once(hangs, timeout=Duration(30))

    assert (run.result, run.seconds, run.error) == ("timeout", 30.0, "timed out after 30 s")


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (raises, "ValueError: no such thing"),
        (raises_a_group, "ValueError: no such thing"),
        (raises_two, "2 errors: ValueError: one; KeyError: 'two'"),
        (exits, "SystemExit: 3"),
        (fails, "cannot read the table: it is gone"),
        (returns_nothing, "the check returned NoneType, which is not a list"),
        (returns_text, "the check returned str, which is not a list"),
        (
            returns_numbers,
            "the check returned int, which is not a Condition, Report or Measurement",
        ),
        (
            returns_half_rubbish,
            "the check returned a Condition without alertname or event_type",
        ),
        (returns_without_end, "the check returned more than 100000 observations"),
    ],
)
async def test_what_goes_wrong_in_a_check_becomes_a_failed_run(
    behaviour: Behaviour, error: str, autojump_clock: object
) -> None:
    run = await run_once(behaviour)

    assert (run.result, run.error, run.observations) == ("failed", error, ())


async def test_only_a_surprise_comes_with_a_traceback(autojump_clock: object) -> None:
    surprise = await run_once(raises)
    foreseen = await run_once(fails)

    assert "in raises" in surprise.traceback
    assert foreseen.traceback == ""


async def test_state_is_kept_only_by_a_run_that_succeeds(autojump_clock: object) -> None:
    async def remembers(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = 7
        return []

    async def remembers_and_fails(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = 8
        raise CheckFailed("no")

    async def remembers_rubbish(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = object()  # type: ignore[assignment]  # rubbish is the point
        return []

    assert (await run_once(remembers)).state == {"seen": 7}
    assert (await run_once(remembers_and_fails)).state == {}
    assert "a state that is not JSON" in (await run_once(remembers_rubbish)).error
