"""What a sender does while its peer fails, and what it says of it; in virtual time."""

from __future__ import annotations

import itertools
import json
import logging

import pytest
import trio
from trio.testing import MockClock

from supervisor.delivery.replies import Answer, Reply
from supervisor.observations import Duration
from tests.delivery.sending import Script, said_of_peers
from tests.support.fake_client import BUSY, FORBIDDEN, OK
from tests.support.recorder_bench import ONE, TWO, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


@pytest.mark.parametrize("jitter", [1.0, 0.5])
async def test_back_off_doubles_from_one_second_to_sixty_with_full_jitter(
    nursery: trio.Nursery, autojump_clock: MockClock, jitter: float
) -> None:
    bench = RecorderBench.make(ONE)
    bench.jitter = jitter
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(400)

    times = [post.at for post in bench.clients[ONE].posts]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    expected = [jitter * wait for wait in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    assert expected == pytest.approx(waits[:9])


async def test_without_luck_the_jitter_does_not_stop_the_loop(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.jitter = 0.0
    bench.clients[ONE].respond = Script([*[BUSY] * 50, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(1)

    assert (51, "ok") == (len(bench.clients[ONE].posts), bench.peers[ONE].state)


async def test_a_success_ends_the_back_off(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = Script([BUSY, BUSY, BUSY, OK, BUSY, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(100)

    assert [0.0, 1.0, 3.0, 7.0, 67.0, 68.0] == [post.at for post in bench.clients[ONE].posts]
    assert {"HTTP 503": 4} == bench.peers[ONE].errors


@pytest.mark.parametrize(
    ("retry_after", "resend", "wait"),
    [
        (0.0, 60.0, 1.0),
        (0.2, 60.0, 1.0),
        (17.0, 60.0, 17.0),
        (1e9, 60.0, 120.0),
        (130.0, 60.0, 120.0),
        (1e9, 200.0, 300.0),
        (299.0, 200.0, 299.0),
    ],
)
async def test_retry_after_is_honoured_within_bounds(
    nursery: trio.Nursery, autojump_clock: MockClock, retry_after: float, resend: float, wait: float
) -> None:
    bench = RecorderBench.make(ONE, resend=resend)
    asks = Answer(Reply.RETRY, "HTTP 429", retry_after=retry_after)
    bench.clients[ONE].respond = Script([asks, OK])
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(wait + 1)

    assert [0.0, wait] == [post.at for post in bench.clients[ONE].posts][:2]


async def test_a_misconfigured_peer_raises_an_alert_and_everything_is_kept(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].respond = lambda _post: FORBIDDEN
    await bench.live(nursery)
    await bench.see(full("/"), full("/srv"))
    await bench.until(100)
    wrong = (bench.peers[ONE].state, bench.own, len(bench.outbox.pending(ONE)))
    bench.clients[ONE].respond = lambda _post: OK
    await bench.until(300)

    assert ("misconfigured", {"PeerMisconfigured": ONE}, 3) == wrong
    told = bench.clients[TWO].sent("PeerMisconfigured")
    assert "does not take alerts: HTTP 403; all are kept" in told[0][1]["annotations"]["message"]
    assert ("ok", {}, []) == (bench.peers[ONE].state, bench.own, bench.outbox.pending(ONE))


async def test_a_peer_that_is_only_down_raises_no_alert(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.peers")
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(3600)
    down = (bench.peers[ONE].state, bench.peers[ONE].error, bench.own)
    bench.clients[ONE].respond = lambda _post: OK
    await bench.until(3700)

    assert ("retrying", "HTTP 503", {}) == down
    assert [
        f"{ONE}: Alertmanager (version unknown) is reachable",
        f"{ONE}: cannot deliver: HTTP 503; keeping everything",
        f"{ONE}: delivering again",
    ] == said_of_peers(caplog)


async def test_a_dead_peer_does_not_slow_a_healthy_one(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE, TWO)
    bench.clients[ONE].seconds = 5.0
    bench.clients[ONE].respond = lambda _post: Answer(Reply.RETRY, "timeout")
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(20)
    await bench.see()
    await bench.until(190)

    assert [0.0, 20.001, 80.001, 140.001] == [at for at, _ in bench.clients[TWO].sent("Disk usage")]
    assert bench.peers[TWO].errors.total() == 0
    # With full jitter at its longest: 5 s for each request, and 1, 2, 4, 8, 16, 32, 60 s between.
    assert [5.0, 11.0, 18.0, 27.0, 40.0, 61.0, 98.0, 163.0] == pytest.approx(
        [post.at for post in bench.clients[ONE].posts], abs=0.01
    )


async def test_a_peer_that_is_down_at_the_start_is_said_to_be_and_tried(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].greeting = BUSY
    await bench.live(nursery)
    await bench.see(full())

    assert [f"{ONE}: health check failed: HTTP 503"] == said_of_peers(caplog)
    assert len(bench.clients[ONE].posts) == 1


async def test_a_sender_counts_as_alive_while_it_greets_and_while_it_backs_off(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    bench = RecorderBench.make(ONE, timeout=Duration(20))
    bench.clients[ONE].seconds = 20.0
    bench.clients[ONE].respond = lambda _post: BUSY
    await bench.live(nursery)
    await bench.see(full())
    longest = 0.0
    while bench.seconds() < 1000:
        longest = max(longest, trio.current_time() - bench.peers[ONE].alive_at)
        await trio.sleep(0.5)

    assert longest <= 30.5


@pytest.mark.parametrize(
    ("asked", "state"),
    [(FORBIDDEN, "retrying"), (Answer(Reply.MISCONFIGURED, "certificate"), "misconfigured")],
)
async def test_why_a_peer_hangs_up_is_asked_and_only_its_certificate_counts(
    nursery: trio.Nursery, autojump_clock: MockClock, asked: Answer, state: str
) -> None:
    url = ONE.replace("http:", "https:")
    bench = RecorderBench.make(url)
    bench.clients[url].greeting = asked
    bench.clients[url].respond = lambda _post: Answer(Reply.RETRY, "transport", "ReadError")
    await bench.live(nursery)
    await bench.see(full())
    await bench.until(1)

    assert bench.peers[url].state == state


async def test_a_peer_that_was_upgraded_is_known_by_its_new_version(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = RecorderBench.make(ONE)
    client = bench.clients[ONE]
    client.greeting = versioned("0.27.0")
    await bench.live(nursery)
    await bench.until(1000)
    before = bench.peers[ONE].version
    client.greeting = versioned("0.28.1")
    await bench.until(2000)
    after = bench.peers[ONE].version
    client.greeting = Answer(Reply.MISCONFIGURED, "HTTP 404")
    await bench.until(4000)

    assert (before, after, bench.peers[ONE].version) == ("0.27.0", "0.28.1", "0.28.1")
    assert said_of_peers(caplog) == [
        f"{ONE}: Alertmanager {version} is reachable" for version in ("0.27.0", "0.28.1")
    ]


def versioned(version: str) -> Answer:
    body = json.dumps({"versionInfo": {"version": version}}).encode()
    return Answer(Reply.DELIVERED, "HTTP 200", body=body)
