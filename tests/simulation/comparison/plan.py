"""Random sequences of steps. A seed gives the same plan each time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from random import Random

from attrs import define, evolve, field, frozen

from tests.simulation.alertmanager.matcher import Matcher, Operator
from tests.simulation.comparison.step import (
    ALL,
    AddSilence,
    Begin,
    End,
    ExpireSilence,
    ListAlerts,
    Post,
    PostedAlert,
    Step,
    What,
)

QUIET_END = 5.0
"""Seconds at the end of a plan in which only time passes."""

DOWN = 0.3
"""Seconds between an end and the start that follows."""

ALERTS: tuple[dict[str, str], ...] = (
    {"alertname": "Disk", "host": "a"},
    {"alertname": "Disk", "host": "b", "job": "x"},
    {"alertname": "Disk", "host": "0", "role": "target"},
    {"alertname": "Power", "host": "a", "role": "source"},
    {"alertname": "Power", "host": "b", "role": "both"},
    {"alertname": "Mail", "host": "a", "team": "not-two"},
    {"alertname": "Load", "host": "a", "team": "quiet"},
    {"alertname": "Load", "host": "b", "team": "quiet", "role": "target"},
    {"alertname": "Swap", "host": "a", "team": "two", "empty": ""},
    {"alertname": "Swap", "host": "b", "team": "two", "role": "both"},
)
"""The labels of the alerts of a sequence."""

KINDS = {
    "post": 10,
    "again": 4,
    "over again": 2,
    "batch": 3,
    "refused": 1,
    "silence": 3,
    "expire": 3,
    "list": 1,
}
"""What a step does, and how often."""

SOURCES = ("source", "both")
"""Roles of alerts that mute others. Such an alert never makes its group send at once: whether it
mutes what is sent in that moment is a race in the real one."""

REFUSED: tuple[dict[str, str], ...] = ({}, {"": "x"}, {"alertname": ""})
"""Labels that no alert may have."""


@frozen
class Plan:
    """Steps in the order of time."""

    seconds: float
    steps: tuple[Step, ...]

    @property
    def sequences(self) -> list[str]:
        return sorted({step.seq for step in self.steps} - {ALL})

    def only(self, sequences: Collection[str]) -> Plan:
        """Return the plan without other sequences."""
        return evolve(
            self, steps=tuple(each for each in self.steps if each.seq in (*sequences, ALL))
        )


def random_plan(seed: int, *, sequences: int, seconds: float, ends: int) -> Plan:
    """Return a plan in which all is ended and started again `ends` times."""
    random = Random(seed)
    breaks = [seconds * (number + random.uniform(0.6, 1.0)) / (ends + 1) for number in range(ends)]
    steps = []
    for number in range(sequences):
        sequence = Sequence(f"s{seed}-{number}", Random(random.random()), seconds, breaks)
        steps += sequence.steps()
    for number, at in enumerate(breaks):
        steps += [Step(at, ALL, End(killed=number % 2 == 1)), Step(at + DOWN, ALL, Begin())]
    return Plan(seconds, tuple(sorted(steps, key=lambda step: step.at)))


@define
class Sequence:
    """Makes the steps of one sequence."""

    _seq: str
    _random: Random
    _seconds: float
    _breaks: list[float]
    """When all is ended."""
    _starts: dict[int, float] = field(factory=dict)
    """When the present episode of an alert began."""
    _last: list[Post] = field(factory=list)
    _over: list[Post] = field(factory=list)
    """Those of the last posts that ended an alert."""
    _silences: int = 0
    _count: int = 0

    def steps(self) -> list[Step]:
        random = self._random
        first = random.uniform(0, self._seconds / 3)
        last = self._seconds - QUIET_END
        own = random.sample(range(len(ALERTS)), random.randint(2, 5))
        times = [random.uniform(first, last) for _ in range(random.randint(8, 18))]
        kinds = [*((at, "") for at in times), *self._around_breaks(last)]
        steps = [Step(at, self._seq, self._what(at, own, kind)) for at, kind in sorted(kinds)]
        return [*steps, Step(last + 0.001, self._seq, ListAlerts())]

    def _around_breaks(self, last: float) -> Iterator[tuple[float, str]]:
        """Yield what shows whether something was saved: just before an end, and just after."""
        random = self._random
        for at in self._breaks:
            if at + 3 < last and random.random() < 0.5:
                yield at - random.uniform(1.2, 3.0), "post"
                yield at - random.uniform(0.2, 2.0), random.choice(["silence", "post"])
                yield at + random.uniform(0.8, 1.5), "post"
                yield at + random.uniform(1.5, 2.5), "batch"

    def _what(self, at: float, own: list[int], kind: str = "") -> What:
        random = self._random
        kind = kind or random.choices(list(KINDS), list(KINDS.values()))[0]
        match kind:
            case "again" if self._last:
                return random.choice(self._last[-4:])
            case "over again" if self._over:
                return random.choice(self._over)
            case "batch":
                return Post(tuple(self._alert(at, number) for number in own))
            case "refused":
                wrong = PostedAlert(self._labels(random.choice(REFUSED), False), {}, None, None)
                return Post((wrong, self._alert(at, random.choice(own))))
            case "silence":
                return self._silence(at, own)
            case "expire" if self._silences:
                return ExpireSilence(self._silences - 1 - random.randrange(self._silences) // 2)
            case "list":
                return ListAlerts()
        alert = self._alert(at, random.choice(own))
        self._last.append(Post((alert,)))
        if alert.ends is not None and alert.ends <= at:
            self._over = [*self._over[-1:], self._last[-1]]
        return self._last[-1]

    def _labels(self, labels: dict[str, str], with_seq: bool = True) -> dict[str, str]:
        return labels | ({"seq": self._seq} if with_seq and labels else {})

    def _alert(self, at: float, number: int) -> PostedAlert:
        random = self._random
        self._count += 1
        starts = self._starts.setdefault(number, at)
        ends: float | None = None
        match random.choices(["open", "future", "over"], [4, 4, 4])[0]:
            case "future":
                ends = at + random.uniform(0.3, 6.0)
            case "over":
                ends = at - random.choice([0.15, 0.3, random.uniform(0.15, 3)])
                del self._starts[number]
        start = random.choices([starts, None, at - 60.0, at - 0.5, at + 0.7], [10, 1, 2, 1, 1])[0]
        if start is not None and ALERTS[number].get("role") in SOURCES:
            start = max(start, at)
        if ends is not None and start is not None and start > ends and random.random() < 0.9:
            start = ends - 0.1
        return PostedAlert(
            labels=self._labels(ALERTS[number]),
            annotations={"summary": f"{self._count}"} if random.random() < 0.7 else {},
            starts=start,
            ends=ends,
        )

    def _silence(self, at: float, own: list[int]) -> AddSilence:
        random = self._random
        labels = ALERTS[random.choice(own)]
        name = random.choice(sorted(set(labels) - {"empty"}))
        matcher = random.choice(
            [
                Matcher(name, labels[name]),
                Matcher(name, labels[name], Operator.NOT_EQUAL),
                Matcher(name, f"{labels[name]}|z.*", Operator.REGEX),
                Matcher(name, f"{labels[name]}|z.*", Operator.NOT_REGEX),
            ]
        )
        self._silences += 1
        starts = at + random.choice([-1.0, 0.0, 0.0, random.uniform(0, 3)])
        return AddSilence(
            number=self._silences - 1,
            matchers=(Matcher("seq", self._seq), matcher),
            starts=starts,
            ends=max(at, starts) + random.uniform(0.5, 15.0),
        )
