"""The count of mails of the cluster runs: a lost event and a needless mail are found."""

from __future__ import annotations

from tests.chaos.mails import Cluster, Count, Death, Mail, count
from tests.chaos.truth import Episode, Truth

EVENT = ("m00", "a-1")
CLUSTER = Cluster(maintenance=2.0, gossip=0.5)


def counted(mails: list[Mail], deaths: list[Death]) -> Count:
    truth = Truth({EVENT: [Episode(100.0, 100.1, 130.0, 130.1)]}, {"m00 1 0": 110.0})
    report = Mail(112.0, ("m00", "m00 1 0"), "peer0")
    return count(truth, [*mails, report], deaths, CLUSTER)


def test_one_mail_for_each_event_is_right() -> None:
    found = counted([Mail(102.0, EVENT, "peer0")], [Death(103.0, "peer0")])

    assert (2, 2, [], []) == (found.events, found.mails, found.lost, found.unexplained)


def test_an_event_without_a_mail_is_lost() -> None:
    assert 1 == len(counted([], []).lost)


def test_a_second_mail_is_owed_to_a_peer_that_was_killed_soon_after_the_first() -> None:
    mails = [Mail(102.0, EVENT, "peer0"), Mail(106.0, EVENT, "peer1")]
    reason = "peer killed after it had notified"

    assert {reason: 1} == counted(mails, [Death(103.9, "peer0")]).duplicates
    assert 1 == len(counted(mails, []).unexplained)
    assert 1 == len(counted(mails, [Death(104.1, "peer0")]).unexplained)
    assert 1 == len(counted(mails, [Death(101.9, "peer0")]).unexplained)
    assert 1 == len(counted(mails, [Death(103.0, "peer1")]).unexplained)


def test_a_second_mail_within_the_gossip_delay_is_that_of_another_peer() -> None:
    another = [Mail(102.0, EVENT, "peer0"), Mail(102.4, EVENT, "peer1")]
    same = [Mail(102.0, EVENT, "peer0"), Mail(102.4, EVENT, "peer0")]

    assert {"two peers wrote within the gossip delay": 1} == counted(another, []).duplicates
    assert 1 == len(counted(same, []).unexplained)


def test_a_death_after_the_second_mail_does_not_explain_it() -> None:
    mails = [Mail(102.0, EVENT, "peer0"), Mail(102.6, EVENT, "peer1")]

    assert 1 == len(counted(mails, [Death(103.0, "peer0")]).unexplained)


def test_a_second_mail_is_owed_to_a_sink_that_died_after_data() -> None:
    mails = [Mail(102.0, EVENT, "peer0", answered=False), Mail(103.0, EVENT, "peer0")]

    assert {"sink killed after DATA": 1} == counted(mails, []).duplicates
