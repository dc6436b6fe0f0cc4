"""A call that hangs until a test releases it, and the wait until no such thread is left."""

from __future__ import annotations

import threading
from typing import Any

import trio
from attrs import define, field

from supervisor.host.threads import abandoned_threads


@define
class Hanging:
    """A function that hangs until it is released, and counts its calls."""

    answer: Any = "back"
    released: threading.Event = field(factory=threading.Event)
    calls: int = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        assert self.released.wait(60)
        return self.answer

    async def begun(self) -> None:
        with trio.fail_after(10):
            while not self.calls:  # noqa: ASYNC110  # a thread sets no trio event
                await trio.sleep(0.001)


async def until_no_thread_hangs() -> None:
    with trio.fail_after(10):
        while abandoned_threads():  # noqa: ASYNC110  # a thread sets no trio event
            await trio.sleep(0.001)
