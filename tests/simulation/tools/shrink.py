"""Makes a scenario that breaks a promise smaller, while it still breaks the same promise.

It tries what is left out: the time after the finding and before the first event, faults, modules,
peers, what is wrong on the host. What is left is the shortest scenario found in the time given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define, evolve

from tests.simulation.kinds import DAY
from tests.simulation.promises.all_promises import PROMISES, Promises, judge, only
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import ModuleScript, Scenario, Settings

T = TypeVar("T")

SOON = 1.0
"""Seconds after the finding at which a smaller scenario ends."""

LEAD = 300.0
"""Seconds from the start to the first fault, in a scenario whose beginning was cut off."""

SLACK = 1800.0
"""Seconds by which a candidate may be longer: without a module the others run at other times."""

SHORTEST = 120.0
"""Seconds of a scenario that is short enough."""

ENOUGH_TIME = 120.0
"""Seconds of the processor after which the smallest scenario so far is taken."""


def shrink(
    scenario: Scenario,
    finding: Finding,
    promises: Promises = PROMISES,
    seconds: float = ENOUGH_TIME,
) -> tuple[Scenario, Finding]:
    """Return a smaller scenario that breaks the promise of the finding, and how it does."""
    judges = only(finding.promise, promises)
    shrinker = Shrinker(scenario, finding, judges, time.process_time() + seconds)
    shrinker.take(scenario, finding)
    while not shrinker.is_over and shrinker.all_steps():
        pass
    return shrinker.best, shrinker.finding


@define(eq=False)
class Shrinker:
    """Holds the smallest scenario so far."""

    best: Scenario
    finding: Finding
    promises: Promises
    """Only the one that is broken, if it has a judge of its own."""
    until: float
    """The processor time of this process at which it ends."""

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.process_time() >= self.until

    def all_steps(self) -> bool:
        """Take each step once. Return whether one has made the scenario smaller."""
        before = self.best
        for step in STEPS:
            step(self)
        return self.best != before

    def holds(self, candidate: Scenario) -> bool:
        """Take a smaller scenario if it breaks the same promise. Return whether it does."""
        if candidate == self.best or self.is_over:
            return False
        if not self.is_found_at_the_end:
            candidate = _ending(candidate, max(1.2 * candidate.days * DAY, SLACK))
        _, findings = judge(candidate, promises=self.promises)
        for finding in findings:
            if finding.promise == self.finding.promise:
                self.take(candidate, finding)
                return True
        return False

    def take(self, scenario: Scenario, finding: Finding) -> None:
        """Keep a scenario, without the time after the finding."""
        self.finding = finding
        self.best = _ending(scenario, min(scenario.days * DAY, finding.at - scenario.start + SOON))

    @property
    def is_found_at_the_end(self) -> bool:
        """Whether the judge complains only when the world ends."""
        return self.finding.at >= self.best.start + self.best.days * DAY

    def fewer(
        self,
        items: Sequence[T],
        scenario_of: Callable[[Sequence[T]], Scenario],
        at_least: int = 0,
    ) -> None:
        """Leave out as many of the items as possible: all, halves, quarters … single ones."""
        size = len(items)
        while size:
            index = 0
            while index < len(items):
                rest = [*items[:index], *items[index + size :]]
                if len(rest) >= at_least and self.holds(scenario_of(rest)):
                    items = rest
                else:
                    index += size
            size //= 2


# -- steps: each leaves out something of one sort ------------------------------------------------


def end_sooner(shrinker: Shrinker) -> None:
    """Try earlier ends. It is for what is found at the end only."""
    shares = [0.25, 0.5, 0.75] if shrinker.is_found_at_the_end else []
    while any(_holds_until(shrinker, share * shrinker.best.days * DAY) for share in shares):
        pass


def _holds_until(shrinker: Shrinker, end: float) -> bool:
    return end > SHORTEST and shrinker.holds(_ending(shrinker.best, end))


def begin_later(shrinker: Shrinker) -> None:
    """Cut off the beginning: up to shortly before the first fault, or some of the time."""
    best = shrinker.best
    seconds = best.days * DAY
    first = min([fault.at for fault in best.faults], default=seconds) - LEAD
    cuts = {round(cut) for cut in (first, seconds * 0.75, seconds * 0.5, seconds * 0.25)}
    for cut in sorted(cuts, reverse=True):
        if seconds * 0.05 < cut < seconds - SHORTEST and shrinker.holds(_without_first(best, cut)):
            return


def fewer_faults(shrinker: Shrinker) -> None:
    """Leave out faults."""
    best = shrinker.best
    shrinker.fewer(best.faults, lambda left: evolve(best, faults=tuple(left)))


def fewer_modules(shrinker: Shrinker) -> None:
    """Leave out modules, and the faults of their checks."""
    best = shrinker.best
    shrinker.fewer(best.modules, lambda left: _with(best, left, best.peers), at_least=1)


def fewer_peers(shrinker: Shrinker) -> None:
    """Leave out peers, and their faults."""
    best = shrinker.best
    shrinker.fewer(best.peers, lambda left: _with(best, best.modules, left), at_least=1)


def fewer_spells(shrinker: Shrinker) -> None:
    """Leave out what is wrong on the host."""
    best = shrinker.best
    pairs = [(module.name, spell) for module in best.modules for spell in module.spells]
    shrinker.fewer(
        pairs,
        lambda left: _with_modules(
            best, lambda old: evolve(old, spells=_of(old.name, left)) if old.spells else old
        ),
    )


def fewer_reports(shrinker: Shrinker) -> None:
    """Leave out what happens on the host."""
    best = shrinker.best
    pairs = [(module.name, moment) for module in best.modules for moment in module.reports]
    shrinker.fewer(
        pairs,
        lambda left: _with_modules(best, lambda old: evolve(old, reports=_of(old.name, left))),
    )


def fewer_windows(shrinker: Shrinker) -> None:
    """Leave out planned work."""
    best = shrinker.best
    shrinker.fewer(best.maintenance, lambda left: evolve(best, maintenance=tuple(left)))


def fewer_jobs(shrinker: Shrinker) -> None:
    """Leave out all jobs, or some of them, or some of what they do."""
    best, jobs = shrinker.best, shrinker.best.jobs
    if jobs is None or shrinker.holds(evolve(best, jobs=None)):
        return
    only = jobs.only
    shrinker.fewer(jobs.jobs, lambda left: evolve(best, jobs=only(left)), at_least=1)
    fewer = shrinker.best.jobs or jobs
    shrinker.fewer(fewer.acts, lambda left: evolve(best, jobs=evolve(fewer, acts=tuple(left))))


def no_last_resort(shrinker: Shrinker) -> None:
    """Leave out the last resort, or all its channels but one."""
    best = shrinker.best
    if best.last_resort is not None and not shrinker.holds(evolve(best, last_resort=None)):
        for channel in best.last_resort.channels:
            fewer = evolve(best.last_resort, channels=(channel,))
            shrinker.holds(evolve(best, last_resort=fewer))


def plainer(shrinker: Shrinker) -> None:
    """Take the usual value for each setting, and for each module."""
    usual = Settings()
    for name in ("timezone", "resend_interval", "heartbeat", "max_batch"):
        best = shrinker.best
        settings = evolve(best.settings, **{name: getattr(usual, name)})
        shrinker.holds(evolve(best, settings=settings))
    for change in _PLAIN:
        shrinker.holds(_with_modules(shrinker.best, change))


_PLAIN: Sequence[Callable[[ModuleScript], ModuleScript]] = (
    lambda module: evolve(module, fire_after=1),
    lambda module: evolve(module, clear_after=1),
    lambda module: evolve(module, of_last=0),
    lambda module: evolve(module, timeout=30.0),
)

STEPS = (
    end_sooner,
    begin_later,
    fewer_faults,
    fewer_modules,
    fewer_peers,
    fewer_spells,
    fewer_reports,
    fewer_windows,
    fewer_jobs,
    no_last_resort,
    plainer,
)


# -- parts of a scenario -----------------------------------------------------------------------


def _ending(scenario: Scenario, end: float) -> Scenario:
    """Return the scenario with another end, and without faults that come later."""
    faults = tuple(fault for fault in scenario.faults if fault.at < end)
    return evolve(scenario, days=end / DAY, faults=faults)


def _with(scenario: Scenario, modules: Sequence[ModuleScript], peers: Sequence[str]) -> Scenario:
    """Return the scenario with these modules and peers, and without the faults of the others."""
    gone = {module.name for module in scenario.modules} | set(scenario.peers)
    gone -= {module.name for module in modules} | set(peers)
    faults = tuple(fault for fault in scenario.faults if fault.target not in gone)
    return evolve(scenario, modules=tuple(modules), peers=tuple(peers), faults=faults)


def _with_modules(scenario: Scenario, change: Callable[[ModuleScript], ModuleScript]) -> Scenario:
    return evolve(scenario, modules=tuple(change(module) for module in scenario.modules))


def _of(name: str, pairs: Sequence[tuple[str, T]]) -> tuple[T, ...]:
    return tuple(value for module, value in pairs if module == name)


def _without_first(scenario: Scenario, cut: float) -> Scenario:
    """Return the scenario without its first seconds. What has ended by then is left out."""
    return evolve(
        scenario,
        start=scenario.start + cut,
        days=scenario.days - cut / DAY,
        modules=tuple(_module_without_first(module, cut) for module in scenario.modules),
        faults=tuple(
            evolve(fault, at=fault.at - cut) for fault in scenario.faults if fault.at >= cut
        ),
        jobs=scenario.jobs and scenario.jobs.after(cut),
    )


def _module_without_first(module: ModuleScript, cut: float) -> ModuleScript:
    spells = tuple(
        evolve(spell, began=spell.began - cut, ended=spell.ended - cut)
        for spell in module.spells
        if spell.ended > cut
    )
    reports = tuple(moment - cut for moment in module.reports if moment > cut)
    return evolve(module, spells=spells, reports=reports)
