"""Several Alertmanagers: who sends."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.simulation.alertmanager.cluster import Cluster
from tests.simulation.alertmanager.examples import SETTINGS, T, alert
from tests.simulation.alertmanager.matcher import Matcher
from tests.simulation.alertmanager.notification import Notification


def sent(notifications: list[Notification]) -> list[tuple[float, str]]:
    """Return times after `T` and senders."""
    return [(each.at - T, each.sender) for each in notifications]


def three() -> Cluster:
    """Return a cluster that has settled at `T`."""
    cluster = Cluster(SETTINGS, 3, T - 100)
    cluster.advance(T)
    return cluster


def post_all(cluster: Cluster, now: float, start: float = 0, end: float = 2000) -> None:
    for peer, member in enumerate(cluster.members):
        if member.alertmanager.is_up:
            cluster.post(peer, [alert(start, end)], T + now)


def test_the_first_peer_sends_and_the_others_hear_of_it() -> None:
    cluster = three()
    post_all(cluster, 0)

    assert [(10, "peer-0")] == sent(cluster.advance(T + 600))


def test_a_peer_that_alone_has_the_alert_sends_after_its_wait() -> None:
    cluster = three()
    cluster.post(2, [alert(0, 2000)], T)

    assert [(40, "peer-2")] == sent(cluster.advance(T + 600))


def test_the_next_peer_sends_when_the_first_is_dead() -> None:
    cluster = three()
    post_all(cluster, 0)
    cluster.kill(0, T + 8)  # the others do not know at 10
    assert [(25, "peer-1")] == sent(cluster.advance(T + 60))

    post_all(cluster, 61, end=61)
    assert [(70, "peer-1")] == sent(cluster.advance(T + 600))


def test_a_peer_that_starts_learns_what_was_sent() -> None:
    cluster = three()
    cluster.kill(0, T)
    post_all(cluster, 1)
    cluster.advance(T + 100)

    cluster.start(0, T + 100)
    cluster.post(0, [alert(0, 2000)], T + 101)

    assert [] == sent(cluster.advance(T + 600))


def test_peers_send_twice_while_they_do_not_reach_each_other() -> None:
    cluster = three()
    cluster.part([[0], [1, 2]], T)
    cluster.advance(T + 10)
    post_all(cluster, 10, start=10)
    assert [(20, "peer-0"), (20, "peer-1")] == sent(cluster.advance(T + 100))

    cluster.heal(T + 100)
    post_all(cluster, 100, end=99)
    assert [(140, "peer-0")] == sent(cluster.advance(T + 1000))


@pytest.mark.parametrize(
    ("version", "expected"), [((0, 25), [(625, "peer-1")]), ((0, 32), [(670, "peer-0")])]
)
def test_until_0_32_a_peer_that_waits_finds_the_repeat_interval_over_first(
    version: tuple[int, int], expected: list[tuple[float, str]]
) -> None:
    cluster = Cluster(evolve(SETTINGS, version=version), 2, T - 100)
    cluster.advance(T)
    post_all(cluster, 0)
    cluster.advance(T + 60)

    assert expected == sent(cluster.advance(T + 700))


def test_a_silence_goes_to_all_and_ends_for_all() -> None:
    cluster = three()
    silence = cluster.silence(2, [Matcher("host", "a")], starts_at=T, ends_at=T + 900, now=T)
    post_all(cluster, 1, start=1)
    assert [] == cluster.advance(T + 60)

    cluster.expire_silence(1, silence.id, T + 60)
    assert [(71, "peer-0")] == sent(cluster.advance(T + 600))


def test_what_was_posted_again_while_a_peer_waited_is_not_forgotten() -> None:
    cluster = three()
    cluster.post(2, [alert(0, 60)], T)
    cluster.advance(T + 50)
    cluster.post(
        2, [alert(0, 900)], T + 80
    )  # its flush of 70 sees it resolved, and waits until 100

    assert [(100, "peer-2"), (160, "peer-2")] == sent(cluster.advance(T + 600))


def test_nothing_is_sent_before_the_gossip_has_settled() -> None:
    cluster = Cluster(SETTINGS, 2, T)
    cluster.post(0, [alert(-60, 900)], T + 1)

    assert [(10, "peer-0")] == sent(cluster.advance(T + 60))


def test_a_flush_that_takes_too_long_is_given_up_and_the_next_one_looks_again() -> None:
    cluster = three()
    cluster.members[0].alertmanager.peering.ready_at = T + 100
    cluster.post(0, [alert(0, 900)], T)
    cluster.post(0, [alert(0, 40, name="Short")], T)  # it fires at 10, and no more at 70

    assert [(100, "peer-0")] == sent(cluster.advance(T + 600))


def test_what_is_muted_does_not_wait_for_peers() -> None:
    cluster = Cluster(evolve(SETTINGS, version=(0, 34)), 2, T - 100)
    cluster.advance(T)
    cluster.silence(1, [Matcher("host", "a")], starts_at=T, ends_at=T + 15, now=T)
    cluster.post(1, [alert(0, 5)], T)  # its group is flushed at 10, and is gone
    cluster.advance(T + 18)
    cluster.post(1, [alert(0, 900)], T + 20)

    assert [(35, "peer-1")] == sent(cluster.advance(T + 600))
