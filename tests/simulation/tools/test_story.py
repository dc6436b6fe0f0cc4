"""A story tells what matters, in few lines."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from tests.simulation.promises.all_promises import JUDGE_FAILED, judge
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario
from tests.simulation.tools.broken_on_purpose import BROKEN, BUGGY, scenario
from tests.simulation.tools.story import MOST_LINES, concerned, tell

pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")


def story_of(world: Scenario) -> list[str]:
    _, (finding, *_) = judge(world, promises=BROKEN)
    return tell(world, finding, BROKEN)


def test_a_story_tells_the_start_the_fault_and_what_is_broken() -> None:
    kill, module = scenario().faults[3], scenario().modules[1]

    told = "\n".join(story_of(evolve(scenario(), faults=(kill,), modules=(module,))))

    in_order = (
        "Seed 1: ",
        "m01 runs every 300 s",
        "The supervisor is started (life 1)",
        "Fault kill: `kill -9` after 40 steps of tasks. The host is down for 30 s.",
        "The supervisor has ended: killed.",
        "The supervisor is started (life 2)",
        "Broken: nothing is wrong after a restart.",
        "m01 sees i0 in a life that is not the first",
    )
    places = [told.find(part) for part in in_order]
    assert -1 not in places, (in_order[places.index(-1)], told)
    assert places == sorted(places)


def test_a_story_leaves_out_what_it_is_not_about() -> None:
    told = "\n".join(story_of(scenario()))

    assert "m01 runs and sees" in told
    assert "m00" not in told
    assert "check_crashes" not in told


def test_what_is_repeated_is_told_once() -> None:
    told = story_of(scenario())

    assert any(
        re.search(r"m01 runs and sees .*The same (once|\d+ times) more, until ", line)
        for line in told
    )
    assert len(told) == len(set(told))


def test_times_are_local_and_relative() -> None:
    first = next(line for line in story_of(scenario()) if "is started (life 1)" in line)

    assert first.startswith("2025-06-15 17:06:40  +00:00:00  ")


def test_a_long_story_loses_its_middle() -> None:
    kill = scenario().faults[3]
    kills = tuple(evolve(kill, at=60.0 * number) for number in range(1, 80))
    rough = evolve(scenario(), faults=kills)

    told = story_of(rough)

    assert len(told) <= MOST_LINES
    assert any(line.startswith("… ") for line in told)


def test_a_story_is_about_what_the_finding_names() -> None:
    peer = scenario().peers[0]
    finding = Finding("p", 0.0, f"{peer}: the alert Scripted of m02 i1 was lost")

    assert concerned(scenario(), finding) == {peer, "m02", "i1"}


def test_a_bug_of_a_judge_is_a_finding_and_no_crash_of_the_check() -> None:
    _, findings = judge(scenario(), promises=BUGGY)

    assert [finding.promise for finding in findings] == [JUDGE_FAILED]
    assert "ZeroDivisionError: the judge has a bug" in findings[0].what
