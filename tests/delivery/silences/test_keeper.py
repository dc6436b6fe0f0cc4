"""Silences that end with their alerts: what a sender asks its peer for, and when."""

from __future__ import annotations

import logging
from typing import Self

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences.silence import LIFETIME
from supervisor.text import rfc3339
from tests.support.fake_client import START
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

DISK = {
    "service": "X",
    "host": "h",
    "check": "m",
    "alertname": "Disk usage",
    "instance": "/",
}


@define
class Silenced:
    """A bench with one peer, which has silences."""

    bench: RecorderBench
    silences: FakeSilences = field(init=False)
    order: list[str] = field(factory=list)
    """Posts and requests about silences, as they came."""

    def __attrs_post_init__(self) -> None:
        self.silences = FakeSilences(self.bench.clock.now)
        client = self.bench.clients[ONE]

        def respond(method: str, path: str, body: bytes) -> Answer:
            self.order.append(method)
            return self.silences(method, path, body)

        def respond_to_post(post: object) -> Answer:
            self.order.append("alerts")
            return Answer(Reply.DELIVERED, "HTTP 200")

        client.silences = respond
        client.respond = respond_to_post

    @classmethod
    async def started(cls, nursery: trio.Nursery) -> Self:
        """Return a bench that runs."""
        there = cls(RecorderBench.make(ONE))
        await there.bench.live(nursery)
        return there

    def silence(self, **more: str) -> str:
        """Make a silence as the command does."""
        identity = self.silences.add(**(DISK | more))
        self.bench.peers[ONE].has_new_silences = True
        return identity


async def test_without_silences_nothing_is_asked(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    await there.bench.until(500)
    await there.bench.see()
    await there.bench.until(2000)

    assert set(there.order) == {"alerts"}


async def test_a_silence_is_ended_just_before_the_end_of_its_alert_is_posted(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full(), full("/srv"))
    identity, other = there.silence(), there.silence(instance="/srv")
    await there.bench.until(100)
    there.order.clear()
    await there.bench.see(full("/srv"))

    assert there.order == ["DELETE", "alerts"]
    assert (there.silences.state(identity), there.silences.state(other)) == ("expired", "active")


async def test_an_end_that_comes_before_the_silence_is_known_ends_it_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    await there.bench.see()

    assert there.order == ["alerts", "GET", "DELETE", "alerts"]
    assert there.silences.state(identity) == "expired"


async def test_a_sender_of_a_later_process_finds_the_silences_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = Silenced(RecorderBench.make(ONE))
    async with trio.open_nursery() as earlier:
        await there.bench.live(earlier)
        await there.bench.see(full())
        identity = there.silence()
        earlier.cancel_scope.cancel()
    there.bench.peers[ONE].has_new_silences = False  # the process is another one
    there.order.clear()
    await there.bench.live(nursery)
    await there.bench.see()

    assert there.order == ["GET", "DELETE", "alerts"]
    assert there.silences.state(identity) == "expired"


async def test_a_silence_is_extended_while_its_alert_fires(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    await there.bench.until(6 * LIFETIME)

    asked = [each for each in there.silences.log if each.startswith("POST")]
    assert 10 <= len(asked) <= 12
    left = there.silences.silences[identity]
    assert left["endsAt"] > f"{_time(6 * LIFETIME + LIFETIME / 2 - 120)}"
    assert (left["createdBy"], left["comment"]) == ("kim", "until resolved: 4711")


async def test_what_somebody_has_ended_stays_ended(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    await there.bench.until(100)
    there.silences("DELETE", f"/api/v2/silence/{identity}")
    await there.bench.until(3 * LIFETIME)

    assert there.silences.state(identity) == "expired"
    assert not [each for each in there.silences.log if each.startswith("POST")]


async def test_what_somebody_has_extended_is_not_shortened(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    there.silences.silences[identity]["endsAt"] = _time(9 * LIFETIME)
    await there.bench.until(4 * LIFETIME)

    assert there.silences.silences[identity]["endsAt"] == _time(9 * LIFETIME)


async def test_another_type_of_the_same_condition_stays_silenced(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    await there.bench.see(full(event_type="E"))
    assert there.silences.state(identity) == "active"
    await there.bench.until(100)
    await there.bench.see()

    assert there.silences.state(identity) == "expired"


@pytest.mark.parametrize(
    "more",
    [
        {"comment": "by hand"},
        {"service": "Y"},
        {"host": "other"},
        {"instance": "/srv"},
        {"alertname": "Inode usage"},
    ],
)
async def test_silences_of_others_are_left_alone(
    nursery: trio.Nursery, autojump_clock: MockClock, more: dict[str, str]
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence(**more)
    await there.bench.until(2 * LIFETIME)
    await there.bench.see()
    await there.bench.until(3 * LIFETIME)

    assert there.silences.state(identity) == "active"
    assert {each.partition(" ")[0] for each in there.silences.log} == {"GET"}


async def test_a_peer_that_does_not_end_the_silence_is_asked_again_with_the_next_post(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    await there.bench.until(100)
    there.silences.failing["DELETE"] = DOWN
    await there.bench.see()
    posted = there.order[-1]
    del there.silences.failing["DELETE"]
    await there.bench.until(170)

    assert posted == "alerts"
    assert there.silences.state(identity) == "expired"


async def test_a_peer_that_is_down_at_the_first_look_is_asked_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    identity = there.silence()
    there.silences.failing["*"] = DOWN
    await there.bench.until(200)
    there.silences.failing.clear()
    await there.bench.see()

    assert there.silences.state(identity) == "expired"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(Reply.MISCONFIGURED, "HTTP 403"),
        Answer(Reply.DELIVERED, "HTTP 200", body=b'{"a": "lie"}'),
        Answer(Reply.DELIVERED, "HTTP 200", body=b"[" * 100_000),
    ],
)
async def test_a_peer_whose_silences_cannot_be_read_still_gets_alerts(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
) -> None:
    caplog.set_level(logging.WARNING)
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    there.silence()
    there.silences.failing["*"] = answer
    await there.bench.until(500)
    await there.bench.see()

    assert len(there.bench.clients[ONE].sent("Disk usage")) == 10
    assert there.order.count("GET") == 1
    assert "cannot look after silences" in caplog.text


async def test_a_silence_that_the_peer_has_lost_is_forgotten(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    there.silence()
    await there.bench.until(100)
    there.silences.silences.clear()
    await there.bench.until(3 * LIFETIME)

    assert len(there.silences.log) == 2  # the list, and one question for the silence


async def test_thousands_of_silences_delay_no_post(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    there = await Silenced.started(nursery)
    await there.bench.see(full())
    for number in range(4_000):
        there.silence(instance=f"/{number}")
    await there.bench.see(full("/srv"))
    await wait_all_tasks_blocked()

    assert there.order == ["alerts", "GET", "alerts"]


def _time(seconds: float) -> str:
    return rfc3339(START + seconds)
