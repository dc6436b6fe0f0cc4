"""Promise 2: an alert is not told as firing after its end, and an episode has one start."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, Posted
from tests.simulation.promises.bounds import ROUNDING
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

UNKNOWN = "", -math.inf
"""The start of something that has ended, if it is not known."""


@define(eq=False)
class Episode:
    """What the first posts said of an episode."""

    fired: Change
    before: str = ""
    """The start of the episode before, if no end of it was told. The two may have become one."""
    earliest: float = math.inf
    """When that one began, or an earlier one, if no start of it was told either."""
    begins: str = ""
    starts: float = 0.0


@define(eq=False)
class the_order_of_an_alert_is_kept:  # noqa: N801 - judges are named as what they judge
    """Compares each post with those before it, of all peers."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    episodes: dict[Name, Episode] = field(factory=dict)
    """What fires."""
    untold: dict[Name, tuple[str, float]] = field(factory=dict)
    """Starts of what has ended, while its end was told to no peer: what was told, and the first."""
    over: dict[tuple[str, str], tuple[float, str]] = field(factory=dict)
    """By peer and labels: the start of what was told last as ended."""
    last: dict[tuple[str, str], float] = field(factory=dict)
    """By peer and labels: the last start."""

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what is out of order."""
        for change in self.truth.hear(event):
            self._change(change)
        if self.truth.has_lost_alerts:
            self.lose_alerts()
        if isinstance(event, Posted):
            yield from self._judge(event)
        if not self.weather.clock_settled < self.weather.now:
            self._lose_starts()

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def lose_alerts(self) -> None:
        """Exempt: what comes out of an older ledger, or is found again, is not in order."""
        self.over.clear()
        self.last.clear()
        self._lose_starts()

    def _lose_starts(self) -> None:
        """Exempt: when the clock is set back, a start that would lie in the future is moved."""
        self.episodes.clear()
        self.untold = dict.fromkeys(self.untold, UNKNOWN)
        self.over.clear()
        self.last.clear()

    def _change(self, change: Change) -> None:
        if change.fires:
            if change.is_certain:
                before = self.untold.pop(change.name, ("", math.inf))
                self.episodes[change.name] = Episode(change, *before)
            return
        episode = self.episodes.pop(change.name, None)
        if episode is None:
            self.untold[change.name] = UNKNOWN
        else:
            earliest = min(episode.earliest, episode.fired.began)
            self.untold[change.name] = episode.begins or episode.before, earliest

    def _judge(self, event: Posted) -> Iterator[Finding]:
        post = Post.of(event, self.weather)
        if post.name is None or not self.weather.are_clocks_right(event.peer):
            return
        if self.weather.is_shifted(event.peer):
            return  # exempt: the starts have whole seconds added, which may change
        for what in self._complaints(event, post):
            yield Finding(type(self).__name__, event.at, f"{event.peer}: {what}: {event.alert}")

    def _complaints(self, event: Posted, post: Post) -> Iterator[str]:
        where = event.peer, post.key
        if post.starts < self.last.get(where, 0.0) - ROUNDING:
            yield f"the start has gone back by {self.last[where] - post.starts:.3f} s"
        self.last[where] = post.starts
        over = self.over.get(where)
        if post.fires and over is not None and over[0] == post.starts:
            yield "it fires after its end was told"
        if post.fires is False:
            self.over[where] = post.starts, post.begins
            if post.name is not None:
                self.untold.pop(post.name, None)
        elif post.fires and post.name in self.episodes:
            yield from self._judge_start(self.episodes[post.name], post)

    def _judge_start(self, episode: Episode, post: Post) -> Iterator[str]:
        if post.name is not None and self.truth.is_open(post.name):
            return
        if not episode.begins:
            episode.begins, episode.starts = post.begins, post.starts
            late = post.starts - episode.fired.began
            early = episode.earliest - episode.fired.began
            in_time = min(early, 0.0) - ROUNDING <= late <= self._longest(post)
            if episode.before != post.begins and not in_time:
                yield f"the start is {late:.3f} s after the run that saw it"
        elif (post.begins, post.starts) != (episode.begins, episode.starts):
            yield f"the start was {episode.begins} before"

    def _longest(self, post: Post) -> float:
        """Return for how many seconds the run, and the commit before its own, may have lasted."""
        assert post.name is not None
        return self.truth.modules[post.name.module].script.timeout + 10.0
