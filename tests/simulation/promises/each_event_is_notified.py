"""Promise 8: what a peer takes is notified, and once unless a named reason applies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from attrs import define, field

from tests.simulation.alertmanager.cluster import Delays
from tests.simulation.alertmanager.notification import NotifiedAlert, Reason, Status
from tests.simulation.alertmanagers import GROUP_WAIT
from tests.simulation.events import Event, FaultBegan, LifeBegan, Notified, Posted
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

PROMISE = "each_event_is_notified"

CLUSTER_DELAY = 60.0
"""Seconds that a cluster may take longer than one Alertmanager: to settle, and to wait its turn."""

SETTLED = 900.0
"""Seconds after a clock was set in which times on their way may be wrong."""

FORGOTTEN_AFTER = 7200.0
"""Seconds after its end until an episode is judged and forgotten, if no other follows."""

ROUNDING = 0.01
"""Seconds by which times on the wire may differ."""

SHIFT = 2.0
"""Seconds by which a start may differ while times are shifted for a wrong clock."""

EXPIRED = "it ran out at a peer that was not told for long"
TOO_SHORT = "it ended before its group was sent"
TOLD_AS_ONE = "it came back before the group of the last episode was sent"
BEGUN_BEFORE = "a member of the cluster had begun to send when the alert ended or came back"
NOT_TOLD = "a member of the cluster could not be told the end that another one was told"
NOT_YET_HEARD = "two members of the cluster sent it before they heard of each other"
KILLED = "an Alertmanager was killed"
RESTARTED = "an Alertmanager was down"
CLOCK_SET = "a clock was set"
LEDGER_LOST = "the ledger was lost, or an older one came back"

TWICE = "notified twice"
NEVER = "not notified"
"""What a reason excuses. The two are counted apart."""

MAX_TURN = 45.0
"""Seconds that a member may wait for its turn, with what it knew when it began to wait."""

GOSSIP = Delays().gossip
"""Seconds until a member hears what another one has sent."""

CLOCK_FAULTS = frozenset({"clock_step", "drift", "peer_lies", "suspend"})

Key: TypeAlias = tuple[str, str, str, str, str]


def key_of(labels: Mapping[str, str]) -> Key:
    """Return what tells an alert from all others of one service."""
    get = labels.get
    return (
        labels["alertname"],
        labels["check"],
        get("instance", ""),
        get("event_type", ""),
        get("event_id", ""),
    )


@define(eq=False)
class Told:
    """The notifications of one status of an episode, without repetitions."""

    times: int = 0

    peer: str = ""
    """The member of the cluster that sent the last one."""

    at: float = -math.inf
    """When it was sent."""

    def add(self, event: Notified) -> bool:
        """Count a notification, unless its sender could not have heard of the last one."""
        if event.peer != self.peer and event.at - self.at < GOSSIP:
            return False
        self.times, self.peer, self.at = self.times + 1, event.peer, event.at
        return True


@define(eq=False)
class Episode:
    """One episode of an alert, as the peers were told of it. Times are true Unix seconds."""

    starts: float
    began: float
    """When a peer first took it as firing."""

    ends: dict[str, float] = field(factory=dict)
    """Until when each peer believes that it fires."""

    over: float | None = None
    """When a peer was first told its end."""

    told: set[str] = field(factory=set)
    """The peers that were told its end."""

    firing: Told = field(factory=Told)
    """What said that it fires."""

    resolved: Told = field(factory=Told)
    """What said that it is over."""

    reasons: set[str] = field(factory=set)
    """Why it may be notified more often than once, or never."""

    def end(self, key: Key) -> float | None:
        """Return when it is over, if that is known. A report ends by itself."""
        return max(self.ends.values()) if key[4] else self.over


@define(eq=False)
class each_event_is_notified:  # noqa: N801 - the name of a promise
    """Each condition and report that a peer takes leads to one notification, and one of its end."""

    scenario: Scenario

    reasons: Counter[str] = field(factory=Counter)
    """How often each reason excused a notification that was missing or doubled."""

    _weather: Weather = field(init=False)
    _episodes: dict[Key, Episode] = field(factory=dict)
    _disturbed: list[tuple[float, float, str]] = field(factory=list)
    """From when to when a reason applies to whatever fires then."""

    _swept_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._weather = Weather(self.scenario)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Return what this event breaks."""
        self._weather.hear(event)
        match event:
            case Posted(taken=True):
                return self._posted(event)
            case Notified():
                return self._notified(event)
            case FaultBegan():
                self._note_fault(event)
            case LifeBegan() if self._weather.is_ledger_lost:
                # What is new in it may have been told before.
                self._disturbed.append((event.at, event.at, LEDGER_LOST))
        return ()

    @property
    def _group_interval(self) -> float:
        return self.scenario.settings.group_interval

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Judge what there was time for."""
        for key, episode in self._episodes.items():
            yield from self._judge(key, episode, at)

    def _posted(self, post: Posted) -> Iterator[Finding]:
        labels = post.alert["labels"]
        if labels["alertname"] == "Heartbeat":
            return
        key, fires = key_of(labels), post.ends > post.at
        episode = self._episodes.get(key)
        if episode is None or not self._is_same(episode, post.starts, post.peer):
            if not fires:
                return  # its episode was never taken, or is known no more
            new = Episode(post.starts, post.at)
            if episode is not None:
                yield from self._judge(key, episode, post.at)
                last = episode.over if episode.over is not None else post.at
                if post.at - last < self._group_interval + CLUSTER_DELAY:
                    new.reasons.add(TOLD_AS_ONE)
            episode = self._episodes[key] = new
        if fires:
            if episode.ends.get(post.peer, post.at) < post.at:
                episode.reasons.add(EXPIRED)
            episode.ends[post.peer] = post.ends
        else:
            episode.told.add(post.peer)
            episode.over = post.at if episode.over is None else episode.over
        if post.at > self._swept_at + FORGOTTEN_AFTER:
            yield from self._sweep(post.at)

    def _is_same(self, episode: Episode, starts: float, peer: str) -> bool:
        most = SHIFT if self._weather.is_shifted(peer) else ROUNDING
        return abs(episode.starts - starts) <= most

    def _notified(self, event: Notified) -> Iterator[Finding]:
        if event.notification.reason is Reason.REPEAT:
            return
        for alert in event.notification.alerts:
            key = key_of(alert.labels)
            episode = self._episodes.get(key)
            is_firing = alert.status is Status.FIRING
            if episode is None or not self._is_same(episode, alert.starts_at, event.peer):
                if episode is not None and event.at - episode.began < MAX_TURN:
                    # The log of the cluster says now that it does not fire.
                    episode.reasons.add(BEGUN_BEFORE)
                continue
            if not (episode.firing if is_firing else episode.resolved).add(event):
                self.reasons[f"{TWICE}: {NOT_YET_HEARD}"] += 1
            elif is_firing:
                end = episode.end(key)
                if end is not None and 0.0 <= event.at - end < MAX_TURN:
                    episode.reasons.add(BEGUN_BEFORE)
                elif episode.over is not None and event.peer not in episode.told:
                    # That it was told as soon as it could be is judged elsewhere.
                    episode.reasons.add(NOT_TOLD)
            else:
                yield from self._judge_end(event, alert, episode)

    def _judge_end(
        self, event: Notified, alert: NotifiedAlert, episode: Episode
    ) -> Iterator[Finding]:
        """An end is notified only after it was told, unless the alert has run out."""
        if episode.over is not None or alert.labels.get("event_id"):
            return
        if min(episode.ends.values()) <= event.at:
            episode.reasons.add(EXPIRED)
            return
        if not self._excuses(episode, event.at) & {CLOCK_SET, EXPIRED}:
            yield self._finding(event.at, key_of(alert.labels), "is notified as over, and fires")

    def _judge(self, key: Key, episode: Episode, now: float) -> Iterator[Finding]:
        ends = episode.end(key)
        held = min(now, ends if ends is not None else now) - episode.began
        excuses = self._excuses(episode, now)
        too_short: set[str] = {TOO_SHORT} if held < GROUP_WAIT + CLUSTER_DELAY else set()
        firing, resolved = episode.firing.times, episode.resolved.times
        if not firing:
            what = "was taken and never notified"
            yield from self._excused(NEVER, what, key, now=now, by=excuses | too_short)
        elif firing > 1:
            what = f"was notified {firing} times"
            yield from self._excused(TWICE, what, key, now=now, by=excuses)
        if ends is None or not firing:
            return
        if resolved > 1:
            what = f"its end was notified {resolved} times"
            yield from self._excused(TWICE, what, key, now=now, by=excuses)
        elif not resolved and now - ends > self._group_interval + CLUSTER_DELAY:
            what = "its end was told and never notified"
            yield from self._excused(NEVER, what, key, now=now, by=excuses)

    def _excuses(self, episode: Episode, now: float) -> set[str]:
        return episode.reasons | {
            reason
            for began, ended, reason in self._disturbed
            if began <= now and episode.began <= ended
        }

    def _excused(
        self, kind: str, what: str, key: Key, *, now: float, by: set[str]
    ) -> Iterator[Finding]:
        if by:
            self.reasons[f"{kind}: {min(by)}"] += 1
        else:
            yield self._finding(now, key, what)

    def _finding(self, at: float, key: Key, what: str) -> Finding:
        name = " ".join(filter(None, key))
        return Finding(PROMISE, at, f"{name} {what}")

    def _note_fault(self, fault: FaultBegan) -> None:
        over = fault.at + fault.seconds
        if fault.kind in CLOCK_FAULTS:
            self._disturbed.append((fault.at, over + SETTLED, CLOCK_SET))
        elif fault.kind == "alertmanager_ends":
            reason = KILLED if fault.amount else RESTARTED
            self._disturbed.append((fault.at - SETTLED, over + SETTLED, reason))

    def _sweep(self, now: float) -> Iterator[Finding]:
        self._swept_at = now
        for key, episode in [*self._episodes.items()]:
            ends = episode.end(key)
            if ends is not None and ends < now - FORGOTTEN_AFTER:
                yield from self._judge(key, episode, now)
                del self._episodes[key]
        self._disturbed = [each for each in self._disturbed if each[1] > now - 8 * 86400]
