"""The status page is served although no thread can be started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from supervisor.web.tasks import WebTasks
from tests.support.no_more_threads import no_more_threads


@define
class FakeServer:
    served: list[object] = field(factory=list)

    async def serve(self, listeners: Sequence[object]) -> None:
        self.served += listeners
        await trio.sleep_forever()


async def test_the_page_is_served_although_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    no_more_threads(monkeypatch)
    server = FakeServer()
    monkeypatch.setattr(WebTasks, "_server", lambda _tasks: server)
    unused: Any = None
    tasks = WebTasks(unused, unused, lambda: 0, nursery)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    tasks.start(listeners)
    await wait_all_tasks_blocked()
    assert server.served == listeners
    await tasks.end()
