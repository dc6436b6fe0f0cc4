"""The search for planted faults finds them, and says what it has not found."""

from __future__ import annotations

import pytest

from tests.simulation.tools import hunt as hunting
from tests.simulation.tools.explore import Seed
from tests.simulation.tools.hunt import hunt

pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")

CALM = Seed(5, 0.02, modules=1, wanted_kind="calm")
"""A world in which nothing happens in half an hour."""

FINDING = Seed(3, 0.05)
"""A world in which the supervisor is stopped."""


def test_a_planted_fault_is_found_in_a_world_of_a_seed() -> None:
    hunted = hunt(FINDING, "ledger_stays_open", shrink_for=0.0)

    first, *story, again = hunted.lines()
    assert first.startswith("ledger_stays_open: found in ")
    assert first.endswith(" s, by no_task_is_left")
    assert len(story) > 3
    assert again.endswith(" --days 0.05 --kind rough --planted ledger_stays_open")


def test_a_planted_fault_that_no_world_shows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunting, "LONGEST", 0.0)

    hunted = hunt(CALM, "queue_starves", shrink_for=0.0)

    assert [line.partition(" in ")[0] for line in hunted.lines()] == ["queue_starves: NOT FOUND"]


def test_what_is_broken_without_the_planted_fault_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hunting, "LONGEST", 0.0)
    monkeypatch.setattr(hunting, "judge", lambda _scenario: (None, ["broken anyway"]))

    hunted = hunt(FINDING, "ledger_stays_open", shrink_for=0.0)

    assert hunted.result is None


def test_what_breaks_another_promise_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunting, "LONGEST", 0.0)
    monkeypatch.setattr(hunting, "PROMISE_OF", {"ledger_stays_open": "another_promise"})

    hunted = hunt(FINDING, "ledger_stays_open", shrink_for=0.0)

    assert hunted.result is None
