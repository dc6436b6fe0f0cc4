"""Back-off: the n-th failure in a row makes a sender wait for at most 60 s and 2 to the n-1 s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, Failed, FaultBegan, LifeBegan, Posted
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

WHOLE_PEER = {"refused", "down", "401", "404"}
"""Ways to fail that say nothing of single alerts. All that is due waits, and is due afterwards."""

FEW = 4
"""Failures in a row that are judged. Later, what was due may have gone in the meantime."""

LATENCY = 3.0
"""Seconds in which a peer that is not slow answers."""

AT_ONCE = 0.001
"""A second try within so many seconds is of the same request, on a new connection."""


RESOLVED_FOR = 900.0
"""Seconds for which an end is sent."""

MANY = 1000
"""Alerts of which the old ones are forgotten."""


@define(eq=False)
class Series:
    """The failures in a row of one peer."""

    count: int = 0
    last: float = 0.0
    is_judged: bool = True
    has_second_try: bool = False
    """Whether the last failure was that of a second try."""


@define(eq=False)
class a_peer_is_tried_again_in_time:  # noqa: N801 - judges are named as what they judge
    """Counts the failures of each peer."""

    scenario: Scenario
    weather: Weather = field(init=False)
    series: dict[str, Series] = field(factory=dict)
    slow_until: dict[str, float] = field(factory=dict)
    """Exempt: until when the sender may give a peer up before it has failed."""
    gone_at: dict[str, float] = field(factory=dict)
    """When each alert is sent for the last time, by its labels."""

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find waits that are too long."""
        peers = self.weather.peers
        self.weather.hear(event)
        if peers != self.weather.peers:
            for series in self.series.values():
                series.is_judged = False  # exempt: senders that go on with it count further
        match event:
            case LifeBegan():
                self.series.clear()
            case FaultBegan(kind="peer_slow"):
                until = self.weather.now + event.seconds + LATENCY
                self.slow_until[event.target] = max(until, self.slow_until.get(event.target, 0.0))
            case Failed():
                yield from self._fail(event)
            case Posted() if event.answered or event.refused:
                if event.peer in self.series:
                    yield from self._judge(event.peer, self.series.pop(event.peer), event.at)
                self._note_last_time(event)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def _fail(self, event: Failed) -> Iterator[Finding]:
        series = self.series.setdefault(event.peer, Series())
        is_at_once = series.count > 0 and self.weather.now - series.last <= AT_ONCE
        series.has_second_try = is_at_once and not series.has_second_try
        if not series.has_second_try:
            if series.count:
                yield from self._judge(event.peer, series, event.at)
            series.count += 1
        series.last = self.weather.now
        is_slow = self.weather.now < self.slow_until.get(event.peer, 0.0)
        series.is_judged = series.is_judged and event.how in WHOLE_PEER and not is_slow

    def _judge(self, peer: str, series: Series, at: float) -> Iterator[Finding]:
        if not series.is_judged or series.count > FEW or not self.weather.are_clocks_right(peer):
            return
        waited = self.weather.now - series.last
        allowed = 2.0 ** (series.count - 1) + LATENCY
        if waited > allowed and not self._may_be_gone(series.last, series.last + allowed):
            what = f"{peer} was tried again {waited:.1f} s after failure {series.count} in a row"
            yield Finding(type(self).__name__, at, what)

    def _note_last_time(self, event: Posted) -> None:
        over = event.ends <= event.at
        self.gone_at[str(event.alert["labels"])] = event.ends + RESOLVED_FOR * over
        if len(self.gone_at) > MANY:
            oldest = event.at - RESOLVED_FOR
            self.gone_at = {name: gone for name, gone in self.gone_at.items() if gone > oldest}

    def _may_be_gone(self, first: float, last: float) -> bool:
        """Return whether what was due may have gone. Exempt: then nothing is left to be tried."""
        return any(first - LATENCY <= gone <= last for gone in self.gone_at.values())
