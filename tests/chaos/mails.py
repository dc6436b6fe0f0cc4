"""The mails of the cluster runs: each event must have one, and each further one a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import define, field, frozen

from tests.chaos.truth import Truth

Event = tuple[str, str]
"""Module and instance of a condition, module and token of a report."""


@frozen
class Mail:
    """One mail about one event, as the sink took it at `at`; `answered` unless it died then."""

    at: float
    event: Event
    peer: str
    answered: bool = True


@frozen
class Death:
    """A `kill -9` of an Alertmanager."""

    at: float
    peer: str


@frozen
class Cluster:
    """What a duplicate may be attributed to. Seconds.

    A peer remembers that it has notified after `maintenance`, the others know after `gossip`.
    """

    maintenance: float
    gossip: float


@define
class Count:
    """What came of the events; `lost` and `unexplained` must stay empty."""

    events: int = 0
    mails: int = 0
    duplicates: Counter[str] = field(factory=Counter)
    lost: list[str] = field(factory=list)
    unexplained: list[str] = field(factory=list)


def count(truth: Truth, mails: Sequence[Mail], deaths: Sequence[Death], cluster: Cluster) -> Count:
    """Return how often each event was mailed, and why more than once."""
    by_event: dict[Event, list[Mail]] = {}
    for mail in sorted(mails, key=lambda mail: mail.at):
        by_event.setdefault(mail.event, []).append(mail)
    found = Count(mails=len(mails))
    for event, what in _events(truth).items():
        found.events += 1
        if event not in by_event:
            found.lost.append(f"{event} {what}")
    for event, sent in by_event.items():
        for index, mail in enumerate(sent[1:], start=1):
            reason = _reason(sent[:index], mail, deaths, cluster)
            if reason:
                found.duplicates[reason] += 1
            else:
                found.unexplained.append(_story(event, sent, deaths))
    return found


def _events(truth: Truth) -> Mapping[Event, str]:
    conditions = {
        name: f"from {episodes[0].began:.3f} to {episodes[-1].ended:.3f}"
        for name, episodes in truth.episodes.items()
        if episodes
    }
    reports = {
        (token.split(" ")[0], token): f"reported at {at:.3f}" for token, at in truth.reports.items()
    }
    return {**conditions, **reports}


Reason = Literal[
    "sink killed after DATA",
    "peer killed after it had notified",
    "two peers wrote within the gossip delay",
    "",
]


def _reason(
    before: Sequence[Mail], mail: Mail, deaths: Sequence[Death], cluster: Cluster
) -> Reason:
    if any(not earlier.answered for earlier in before):
        return "sink killed after DATA"
    window = max(cluster.maintenance, cluster.gossip)
    for earlier in before:
        for death in deaths:
            soon_after = 0 <= death.at - earlier.at <= window
            if death.peer == earlier.peer and soon_after and death.at <= mail.at:
                return "peer killed after it had notified"
    # After an outage peers are given an alert at different times, and so do not write in turn.
    if any(x.peer != mail.peer and mail.at - x.at <= cluster.gossip for x in before):
        return "two peers wrote within the gossip delay"
    return ""


def _story(event: Event, sent: Sequence[Mail], deaths: Sequence[Death]) -> str:
    first, last = sent[0].at - 30.0, sent[-1].at + 1.0
    lines = [(mail.at, f"mail of {mail.peer}") for mail in sent]
    lines += [(death.at, f"{death.peer} killed") for death in deaths if first < death.at < last]
    told = "; ".join(f"{text} at {at:.3f}" for at, text in sorted(lines))
    return f"{event}: {told}"
