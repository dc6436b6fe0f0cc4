"""How a sender divides alerts into batches, and what it makes ahead; in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from supervisor.delivery.pace import MAX_BATCH_BYTES
from supervisor.delivery.replies import Answer, Reply
from tests.delivery.sending import Script
from tests.support.fake_client import BUSY, OK, FakeClient
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


async def test_a_batch_has_at_most_max_batch_alerts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE, max_batch=3)
    await bench.see(*(full(f"/{n}") for n in range(8)))

    assert [3, 3, 2] == [len(post.alerts) for post in bench.clients[ONE].posts]


async def test_a_batch_has_at_most_a_mebibyte(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    post = FakeClient.post

    async def measured(
        client: FakeClient, alerts: list[bytes], *arguments: Any, **settings: Any
    ) -> Answer:
        sizes.append(len(b"[" + b",".join(alerts) + b"]"))
        return await post(client, alerts, *arguments, **settings)

    monkeypatch.setattr(FakeClient, "post", measured)
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(*(full(f"/{n}", detail="x" * 262_000) for n in range(9)))

    assert [3, 3, 3] == [len(batch.alerts) for batch in bench.clients[ONE].posts]
    assert max(sizes) <= MAX_BATCH_BYTES


async def test_what_changes_after_the_next_batch_was_made_is_posted_as_it_is_then(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    await bench.live(nursery)
    await bench.until(2)
    for message in ("it is full", "it is fuller"):
        await bench.see(*(full(f"/{n}", message) for n in range(4)))
    await bench.until(30)

    messages = [[alert["annotations"]["message"] for alert in post.alerts] for post in client.posts]
    assert [["it is full"] * 2, ["it is fuller"] * 2, ["it is fuller"] * 2] == messages
    assert [2.001, 3.001, 4.001] == [post.at for post in client.posts]


async def test_what_is_made_ahead_is_not_lost_when_the_batch_before_it_is_refused(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    client.respond = Script([BUSY, OK])
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(6)))
    await bench.until(30)

    taken = [instance for post in client.posts[1:] for instance in post.instances]
    assert [f"/{n}" for n in range(6)] == sorted(taken)


async def test_what_is_made_ahead_is_not_lost_when_the_clock_is_set(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, max_batch=2)
    client = bench.clients[ONE]
    client.seconds = 1.0
    await bench.live(nursery)
    await bench.until(2)
    await bench.see(*(full(f"/{n}") for n in range(6)))
    bench.clock.step(100)
    await trio.sleep(20)

    later = {instance for post in client.posts for instance in post.instances if post.at > 100}
    assert {f"/{n}" for n in range(6)} == later


async def test_a_batch_that_is_too_large_is_halved(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    too_large = Answer(Reply.SPLIT, "HTTP 413")
    bench.clients[ONE].respond = lambda post: too_large if len(post.alerts) > 3 else OK
    await bench.live(nursery)
    await bench.see(*(full(f"/{n}") for n in range(10)))

    assert [10, 5, 2, 3, 5, 2, 3] == [len(post.alerts) for post in bench.clients[ONE].posts]
    assert bench.own == {}
