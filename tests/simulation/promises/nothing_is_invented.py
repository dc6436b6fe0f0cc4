"""Each alert that a peer is sent corresponds to something that a committed run has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, Posted, RunSeen
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.the_end_is_told import IN_FLIGHT
from tests.simulation.promises.truth import Truth, number_of
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario


@define(eq=False)
class Past:
    """Something that fires no more."""

    at: float
    was_taken: bool
    """Whether a peer took it in its time."""
    is_closed: bool = False
    """Whether its end was told."""


@define(eq=False)
class nothing_is_invented:  # noqa: N801 - judges are named as what they judge
    """Compares what is sent with what is committed."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    fires: dict[Name, float] = field(factory=dict)
    """Since when something fires."""
    held: set[Name] = field(factory=set)
    """What began while a window may have held it."""
    past: dict[Name, Past] = field(factory=dict)
    taken: dict[Name, bool] = field(factory=dict)
    """Whether a peer has said that it took what fires now."""
    identities: dict[str, tuple[str, float]] = field(factory=dict)
    """By report: its labels, and when it was sent last."""

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what has no cause."""
        for change in self.truth.hear(event):
            self._change(change)
        if self.truth.has_lost_alerts:
            self.lose_alerts()
        if isinstance(event, Posted):
            for what in self._complaints(event):
                yield Finding(type(self).__name__, event.at, f"{event.peer}: {what}: {event.alert}")

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def lose_alerts(self) -> None:
        """Exempt: an older ledger may hold what is over, and reports that were sent before."""
        self.past.clear()
        self.identities.clear()

    def _change(self, change: Change) -> None:
        name = change.name
        if change.fires:
            self.fires.setdefault(name, self.weather.now)
            if self.weather.windows.hold(name.module, change.began) is not False:
                self.held.add(name)
            self.past.pop(name, None)
            self.taken[name] = False
        else:
            self.fires.pop(name, None)
            self.held.discard(name)
            self.past[name] = Past(self.weather.now, self.taken.pop(name, False))

    def _complaints(self, event: Posted) -> Iterator[str]:
        post = Post.of(event, self.weather)
        if post.token:
            yield from self._judge_report(post)
        if post.name is None or post.name.module not in self.truth.modules:
            return
        name, now = post.name, self.weather.now
        if event.answered and post.fires is not False and name in self.fires:
            self.taken[name] = True
        if self.truth.is_open(name) or post.fires is None:
            return
        past = self.past.get(name)
        if post.fires and name not in self.fires:
            if past is None:
                yield "nothing of it was committed"
            elif now > past.at + IN_FLIGHT and (past.was_taken or past.is_closed):
                yield f"it has ended {now - past.at:.0f} s before"
        elif post.fires is False:
            if (
                name in self.fires
                and now > self.fires[name] + IN_FLIGHT
                and not self._is_held(name)
            ):
                yield "it has not ended"
            elif past is not None:
                past.is_closed = True

    def _is_held(self, name: Name) -> bool:
        """Return whether peers may still be told the end of the episode before."""
        windows = self.weather.windows
        return name in self.held and windows.hold(name.module, windows.now - IN_FLIGHT) is not False

    def _judge_report(self, post: Post) -> Iterator[str]:
        module = self.truth.modules[post.token.rpartition("-")[0]]
        if module.is_in_doubt or module.is_excused or module.committed is None:
            return
        if number_of(post.token) >= max(module.reports, _told(module.last)):
            yield "no committed run has told this report"
        key, _ = self.identities.get(post.token, (post.key, 0.0))
        if key != post.key:
            yield f"this report was sent before as {key}"
        self.identities[post.token] = post.key, self.weather.now
        if len(self.identities) > 1000:
            self.identities.pop(next(iter(self.identities)))


def _told(run: RunSeen | None) -> int:
    """Return how many reports there were before a run that is not committed yet."""
    if run is None or not run.reports:
        return 0
    return number_of(run.reports[0])
