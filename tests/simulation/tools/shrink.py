"""Makes a scenario that breaks a promise smaller, while it still breaks the same promise.

It tries what is left out: the time after the finding and before the first event, faults, modules,
peers, what is wrong on the host. What is left is the shortest scenario found in the time given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define, evolve, field

from tests.simulation.generate import DAY
from tests.simulation.promises.all_promises import PROMISES, Promises, judge, only
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import ModuleScript, Scenario, Settings

T = TypeVar("T")

SOON = 1.0
"""Seconds after the finding at which a smaller scenario ends."""

LEAD = 300.0
"""Seconds from the start to the first fault, in a scenario whose beginning was cut off."""

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
    tries: int = field(default=0)

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
        self.tries += 1
        _, findings = judge(candidate, promises=self.promises)
        for finding in findings:
            if finding.promise == self.finding.promise:
                self.best, self.finding = candidate, finding
                return True
        return False

    def fewer(self, items: Sequence[T], scenario_of: Callable[[Sequence[T]], Scenario]) -> None:
        """Leave out as many of the items as possible: all, halves, quarters … single ones."""
        size = len(items)
        while size:
            index = 0
            while index < len(items):
                rest = [*items[:index], *items[index + size :]]
                if self.holds(scenario_of(rest)):
                    items = rest
                else:
                    index += size
            size //= 2


# -- steps: each leaves out something of one sort ------------------------------------------------


def end_sooner(shrinker: Shrinker) -> None:
    """End soon after the finding. If it is found at the end only, try earlier ends."""
    best = shrinker.best
    seconds = best.days * DAY
    found = shrinker.finding.at - best.start + SOON
    for end in (found, seconds * 0.25, seconds * 0.5, seconds * 0.75, seconds * 0.9):
        # Less than a tenth is not worth a try.
        if end < seconds * 0.91 or end == found < seconds - 2 * SOON:
            days = end / DAY
            faults = tuple(fault for fault in best.faults if fault.at < end)
            if shrinker.holds(evolve(best, days=days, faults=faults)):
                return


def begin_later(shrinker: Shrinker) -> None:
    """Cut off the beginning: up to shortly before the first fault, or some of the time."""
    best = shrinker.best
    seconds = best.days * DAY
    first = min([fault.at for fault in best.faults], default=seconds) - LEAD
    cuts = {round(cut) for cut in (first, seconds * 0.75, seconds * 0.5, seconds * 0.25)}
    for cut in sorted(cuts, reverse=True):
        if seconds * 0.05 < cut < seconds and shrinker.holds(_without_first(best, cut)):
            return


def fewer_faults(shrinker: Shrinker) -> None:
    """Leave out faults."""
    best = shrinker.best
    shrinker.fewer(best.faults, lambda left: evolve(best, faults=tuple(left)))


def fewer_modules(shrinker: Shrinker) -> None:
    """Leave out modules, and the faults of their checks."""
    best = shrinker.best
    shrinker.fewer(best.modules, lambda left: _with(best, modules=left, peers=best.peers))


def fewer_peers(shrinker: Shrinker) -> None:
    """Leave out peers, and their faults."""
    best = shrinker.best
    shrinker.fewer(best.peers, lambda left: _with(best, modules=best.modules, peers=left))


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
    plainer,
)


# -- parts of a scenario -----------------------------------------------------------------------


def _with(scenario: Scenario, modules: Sequence[ModuleScript], peers: Sequence[str]) -> Scenario:
    """Return the scenario with these modules and peers. It needs at least one of each."""
    modules, peers = tuple(modules) or scenario.modules, tuple(peers) or scenario.peers
    gone = {module.name for module in scenario.modules} | set(scenario.peers)
    gone -= {module.name for module in modules} | set(peers)
    faults = tuple(fault for fault in scenario.faults if fault.target not in gone)
    return evolve(scenario, modules=modules, peers=peers, faults=faults)


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
    )


def _module_without_first(module: ModuleScript, cut: float) -> ModuleScript:
    spells = tuple(
        evolve(spell, began=spell.began - cut, ended=spell.ended - cut)
        for spell in module.spells
        if spell.ended > cut
    )
    reports = tuple(moment - cut for moment in module.reports if moment > cut)
    return evolve(module, spells=spells, reports=reports)
