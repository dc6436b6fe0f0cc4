"""Tells what happened to what a finding is about, in a few lines of plain English.

What is repeated is told once, with the number of repetitions. A story that is still too long loses
its middle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import Event
from tests.simulation.promises.all_promises import PROMISES, Promises, judge, only
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import ModuleScript, Scenario
from tests.simulation.tools.words import words_of

MOST_LINES = 40
"""Lines of a story."""

FIRST_LINES = 8
"""Lines of what happened that are kept from the beginning of a story that is too long."""


def tell(scenario: Scenario, finding: Finding, promises: Promises = PROMISES) -> list[str]:
    """Run the scenario again, and return its story."""
    story = Story(scenario, concerned(scenario, finding))
    judge(scenario, story.hear, promises=only(finding.promise, promises))
    return story.told(finding)


def concerned(scenario: Scenario, finding: Finding) -> frozenset[str]:
    """Return what the finding names of modules, peers and instances. Empty if it names nothing."""
    names = frozenset().union(*known_names(scenario))
    words = set(re.findall(r"[\w:/.-]*\w", finding.what))
    return names & words


def known_names(scenario: Scenario) -> tuple[frozenset[str], ...]:
    """Return the names of all modules, of all peers, and of all instances and jobs.

    The supervisor's own alerts name `supervisor` as their module.
    """
    return (
        frozenset({"supervisor", *(module.name for module in scenario.modules)}),
        frozenset(scenario.peers),
        frozenset(spell.instance for module in scenario.modules for spell in module.spells)
        | frozenset(() if scenario.jobs is None else (job.name for job in scenario.jobs.jobs)),
    )


@define
class Line:
    """What has happened once or more often."""

    at: float
    last: float
    text: str
    times: int = 1


@define(eq=False)
class Story:
    """Hears what happens, and keeps what is worth telling."""

    scenario: Scenario
    names: frozenset[str]
    """What the story is about. Empty for everything."""

    lines: list[Line] = field(factory=list)
    _known: Sequence[frozenset[str]] = field(init=False)
    """All modules, all peers and all instances."""

    _latest: dict[tuple[str, ...], Line] = field(factory=dict)
    """The last line about each subject."""

    def __attrs_post_init__(self) -> None:
        self._known = known_names(self.scenario)

    def hear(self, event: Event) -> None:
        """Take down an event, or count it as a repetition."""
        subject, text = words_of(event, self._local)
        if not text or not self._matters(subject):
            return
        line = self._latest.get(subject)
        if line is not None and line.text == text:
            line.times, line.last = line.times + 1, event.at
        else:
            self._latest[subject] = line = Line(event.at, event.at, text)
            self.lines.append(line)

    def _matters(self, subject: Sequence[str]) -> bool:
        """Whether a subject is what the story is about, or the host as a whole."""
        others = [known - self.names for known in self._known if known & self.names]
        return not any(other & {*subject} for other in others)

    def told(self, finding: Finding) -> list[str]:
        """Return the lines of the story."""
        begin, end = self._beginning(), self._end(finding)
        room = MOST_LINES - len(begin) - len(end)
        told = [self._told(line) for line in self.lines]
        if len(told) > room:
            left_out = len(told) - room + 1
            middle = f"… {left_out} further lines are left out."
            told = [*told[:FIRST_LINES], middle, *told[FIRST_LINES + left_out :]]
        return [*begin, *told, *end]

    def _beginning(self) -> list[str]:
        world = self.scenario
        known = [module for module in world.modules if module.name in self.names]
        return [
            f"Seed {world.seed}: {_lasting(world.days)} from {self._local(world.start)}"
            f" ({world.settings.timezone}), {_count(world.modules, 'module')},"
            f" {_count(world.peers, 'peer')}, {_count(world.faults, 'fault')}.",
            *(_introduced(module) for module in (known or world.modules)[:3]),
        ]

    def _end(self, finding: Finding) -> list[str]:
        broken = finding.what.strip().splitlines()
        return [
            f"{self._when(finding.at)} Broken: {finding.promise.replace('_', ' ')}.",
            *(f"    {line}" for line in broken[-12:]),
        ]

    def _told(self, line: Line) -> str:
        text = f"{self._when(line.at)} {line.text}"
        if line.times == 1:
            return text
        again = "once more" if line.times == 2 else f"{line.times - 1} times more"
        until = self._local(line.last).removeprefix(self._local(line.at)[:11])
        return f"{text} The same {again}, until {until}."

    def _when(self, at: float) -> str:
        seconds = at - self.scenario.start
        days, rest = divmod(round(seconds), 86400)
        clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
        return f"{self._local(at)}  +{f'{days} d ' if days else ''}{clock} "

    def _local(self, at: float) -> str:
        zone = ZoneInfo(self.scenario.settings.timezone)
        return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S}"


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _lasting(days: float) -> str:
    if days >= 2:
        return f"{days:.3g} days"
    hours = days * 24
    return f"{hours:.3g} hours" if hours >= 2 else f"{hours * 60:.3g} minutes"


def _introduced(module: ModuleScript) -> str:
    when = f"every {module.every:g} s" if module.every is not None else ""
    when += f" at {', '.join(module.at)}" if module.at else ""
    of = f" of {module.of_last}" if module.of_last > module.fire_after else ""
    runs = f"fires after {module.fire_after}{of}, resolves after {module.clear_after} in a row"
    return f"{module.name} runs {when.strip()}, for at most {module.timeout:g} s; {runs}."
