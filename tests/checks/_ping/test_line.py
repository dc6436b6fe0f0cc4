"""One socket for all hosts: what this host loses, and how long an answer takes."""

from __future__ import annotations

import socket
import time
from functools import partial

import pytest
import trio

from checks._ping import line, sockets
from tests.support.echo_network import V4, Network, before, in_namespace
from tests.support.network_namespace import needs_root

pytestmark = needs_root


async def pinged(count: int, pause: float = 0) -> line.Peer:
    """Return what comes of some requests. All answers are read at the end."""
    asked = line.Peer(socket.AF_INET, ("127.0.0.9", 0))
    made = line.Line(sockets.open_socket(asked.family), asked.family, timeout=60 * line.SECOND)
    for number in range(count):
        await made.send(asked, number)
        await trio.sleep(pause)
    made.close()
    return asked


def test_answers_that_our_own_buffer_has_lost_are_not_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)  # the least that the kernel gives
    asked = in_namespace(partial(trio.run, pinged, 50))

    assert 0 < asked.sent < 50
    assert asked.lost == 0


def test_what_our_own_buffer_has_lost_does_not_hide_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that answers at once has not answered in the moment in which the buffer was full."""
    monkeypatch.setattr(sockets, "BUFFER_BYTES", 1)
    lossy = line.Peer(socket.AF_INET, (f"{V4}.9", 0))
    near = line.Peer(socket.AF_INET, ("127.0.0.9", 0))

    async def main() -> None:
        sock = sockets.open_socket(lossy.family)
        made = line.Line(sock, lossy.family, timeout=60 * line.SECOND)
        for number in range(3):
            await made.send(lossy, number)
        await trio.lowlevel.wait_readable(sock)
        made.read()
        await trio.sleep(3 * lossy.seconds[0])
        made.read()
        for number in range(50):
            await made.send(near, number)
        made.close()

    first_alone = Network(lambda asked: [(0, asked.reply())] * (asked.sequence == 0))
    before(first_alone, partial(trio.run, main))

    assert (lossy.sent, lossy.lost) == (3, 2)
    assert 0 < near.sent < 50
    assert near.lost == 0


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_does_not_change_the_round_trip(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = hours * 3600 * line.SECOND
    monkeypatch.setattr(line, "came_at", lambda _: time.time_ns() + ahead)
    asked = in_namespace(partial(trio.run, pinged, 3))

    assert len(asked.seconds) == 3
    assert all(0 < seconds < 30 for seconds in asked.seconds)


def test_a_busy_process_does_not_make_the_round_trip_longer() -> None:
    """The kernel notes when an answer comes in. It begins to, a little after it is asked to."""
    asked = in_namespace(partial(trio.run, pinged, 3, 0.5))

    assert len(asked.seconds) == 3
    assert min(asked.seconds) < 0.4
