"""Sequences whose outcome does not depend on a few hundredths of a second.

If a post and a tick fall together, both orders are right. Only what is the same in each order can
be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from attrs import evolve

from tests.simulation.alertmanager.settings import Settings
from tests.simulation.comparison.difference import differences
from tests.simulation.comparison.plan import Plan, random_plan
from tests.simulation.comparison.replay import replayed, shaken
from tests.simulation.comparison.step import ALL, Begin, Done, Step

PLAN_SHAKES = 4
"""How often each step is tried at slightly different times before it is done."""

RUN_SHAKES = 24
"""How often a sequence is tried so when it was done."""

MARGIN = 0.08
"""Seconds by which a planned step is moved."""


def is_sturdy(
    settings: Settings, base: float, steps: Sequence[Done], until: float, *, by: float, shakes: int
) -> bool:
    """Return whether a sequence ends the same at slightly other times."""
    outcome = evolve(replayed(settings, base, steps, until), answers=())
    random = Random(1)
    others = (replayed(settings, base, shaken(steps, random, by), until) for _ in range(shakes))
    return not any(any(differences(outcome, evolve(each, answers=()), until)) for each in others)


def sturdy_plan(
    settings: Settings, seed: int, *, sequences: int, seconds: float, ends: int
) -> Plan:
    """Return a random plan, without the steps that make a sequence less than sturdy."""
    plan = random_plan(seed, sequences=sequences, seconds=seconds, ends=ends)
    steps = [step for seq in plan.sequences for step in _sturdy_steps(settings, plan, seq)]
    steps += [step for step in plan.steps if step.seq == ALL]
    return evolve(plan, steps=tuple(sorted(steps, key=lambda step: step.at)))


def _sturdy_steps(settings: Settings, plan: Plan, seq: str) -> list[Step]:
    base = 1_700_000_000.0
    begin = Step(-1.0, ALL, Begin())
    common = [begin, *(step for step in plan.steps if step.seq == ALL)]
    kept = [Done(base + step.at, 0.0, step) for step in common]
    for step in plan.steps:
        if step.seq == seq:
            more = sorted([*kept, Done(base + step.at, 0.0, step)], key=lambda done: done.at)
            until = base + plan.seconds
            if is_sturdy(settings, base, more, until, by=MARGIN, shakes=PLAN_SHAKES):
                kept = more
    return [done.step for done in kept if done.step.seq == seq]
