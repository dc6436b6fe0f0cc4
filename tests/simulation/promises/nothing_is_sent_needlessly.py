"""An alert that has not changed is sent to a peer once in a resend interval, also by a reload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, Fed, LifeBegan, LifeEnded, Posted, Stuck
from tests.simulation.promises.bounds import CURSORS_ARE_WRITTEN
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

WAITED = 3.0
"""Seconds that an alert may have waited for its turn after its batch was made."""

CUT_OFF = 15.0
"""Exempt: seconds before the senders are started again. What a peer took then may be forgotten."""

FORGET_AFTER = 3600.0


@define(eq=False)
class Sent:
    """What a peer has said that it took."""

    at: float
    content: str
    module: str


@define(eq=False)
class nothing_is_sent_needlessly:  # noqa: N801 - judges are named as what they judge
    """Compares each post with the one before."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    sent: dict[tuple[str, str], Sent] = field(factory=dict)
    """By peer and labels."""
    changed: dict[str, float] = field(factory=dict)
    """By module: when something of it has changed. What has changed is sent at once."""
    _stuck_at: float = math.inf
    """When the recorder has begun to wait for ever: no cursor is written after that."""
    _clean_at: float = 0.0
    _peers: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what is sent too soon."""
        for change in self.truth.hear(event):
            self.changed[change.name.module] = self.weather.now
        if self.truth.has_lost_alerts:
            self.lose_alerts()
        match event:
            case Posted():
                yield from self._judge(event)
            case LifeEnded():
                lost = 2 * CURSORS_ARE_WRITTEN if event.how == "stopped" else CURSORS_ARE_WRITTEN
                self._forget_since(min(self.weather.now, self._stuck_at) - lost)
                self._stuck_at = math.inf
                if self.weather.now < self.weather.disk_settled:
                    self.sent.clear()
            case Stuck() if not event.peer:
                self._stuck_at = min(self._stuck_at, self.weather.now)
            case LifeBegan():
                self._fit_peers()
            case Fed() if self._peers != self.weather.peers:
                self._forget_since(self.weather.now - CUT_OFF)
                self._fit_peers()
        if self.weather.now > self._clean_at:
            self._clean_at = self.weather.now + FORGET_AFTER
            self._forget_before(self.weather.now - FORGET_AFTER)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def lose_alerts(self) -> None:
        """Exempt: what had to go fires again."""
        self.sent.clear()

    def _fit_peers(self) -> None:
        self._peers = self.weather.peers
        for where in [*self.sent]:
            if where[0] not in self._peers:
                del self.sent[where]

    def _forget_since(self, moment: float) -> None:
        for where in [where for where, sent in self.sent.items() if sent.at >= moment]:
            del self.sent[where]

    def _forget_before(self, moment: float) -> None:
        for where in [where for where, sent in self.sent.items() if sent.at < moment]:
            del self.sent[where]

    def _judge(self, event: Posted) -> Iterator[Finding]:
        post = Post.of(event, self.weather)
        where = event.peer, post.key
        before = self.sent.get(where)
        if before is not None and before.content == post.content:
            yield from self._judge_again(event, before)
        if event.answered:
            module = event.alert["labels"]["check"]
            self.sent[where] = Sent(self.weather.now, post.content, module)
        else:
            self.sent.pop(where, None)

    def _judge_again(self, event: Posted, before: Sent) -> Iterator[Finding]:
        if not self.weather.are_clocks_right(event.peer):
            return  # what was sent with wrong times is sent again at once
        if self.changed.get(before.module, -1.0) >= before.at - WAITED:
            return
        if before.module == "supervisor" and event.alert["labels"]["alertname"] != "Heartbeat":
            return  # exempt: when they are raised and ended is not known
        in_flight = self.scenario.settings.request_timeout
        if self.weather.trouble_of(event.peer) >= before.at - in_flight:
            return  # a whole batch is sent again when a part of it fails
        passed = self.weather.now - before.at
        if passed < self.scenario.settings.resend_interval - WAITED:
            what = f"{event.peer} was sent this {passed:.3f} s before, too: {event.alert}"
            yield Finding(type(self).__name__, event.at, what)
