"""The watch over the event loop: it notices a step that blocks, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import trio

from tests.support import blocking
from tests.support.blocking import MAX_STEP, BlockingSteps


def watched(work: Callable[[], object]) -> list[str]:
    steps = BlockingSteps()

    async def main() -> None:
        await trio.lowlevel.checkpoint()
        work()
        await trio.lowlevel.checkpoint()

    trio.run(main, instruments=[steps])
    return steps.found


def burn() -> None:
    begun = time.thread_time()
    while time.thread_time() - begun < 1.5 * MAX_STEP:
        pass


def block() -> None:
    time.sleep(1.5 * MAX_STEP)


@pytest.mark.may_block("it is tested that this is noticed")
@pytest.mark.parametrize("work", [burn, block])
def test_a_step_that_computes_or_waits_too_long_is_noticed(work: Callable[[], None]) -> None:
    (found,) = watched(work)

    assert "in one step" in found
    assert "main" in found


def test_a_short_step_is_not_noticed() -> None:
    assert watched(lambda: time.sleep(MAX_STEP / 10)) == []


@pytest.mark.may_block("the other watch sees the same step")
def test_waiting_for_a_processor_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = iter([0.0, 10.0, 10.0, 10.0, 10.0])
    monkeypatch.setattr(blocking, "waited_for_processor", lambda: next(waited))

    assert watched(block) == []


def test_the_kernel_says_how_long_a_thread_has_waited() -> None:
    assert blocking.waited_for_processor() >= 0.0
