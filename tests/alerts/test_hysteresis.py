"""Hysteresis and the bound on conditions, against a naive model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts.alert import Key, Sighting
from supervisor.alerts.hysteresis import by_key, compare, merge
from supervisor.observations import Condition

KEYS = [("A", str(n)) for n in range(4)]
looks = st.lists(st.sets(st.sampled_from(KEYS)), max_size=20)


def condition(key: Key) -> Condition:
    return Condition(key[0], "W", key[1], "m")


def play(
    history: list[set[Key]], fire_after: int, clear_after: int, most: int
) -> list[tuple[set[Key], int]]:
    """Return what fires after each run, and how many were too many in it."""
    prior: dict[Key, Sighting] = {}
    found = []
    for look in history:
        observed = {key: condition(key) for key in sorted(look)}
        step = compare(
            prior,
            observed,
            fire_after=fire_after,
            clear_after=clear_after,
            max_conditions=most,
        )
        for key, sighting in step.sightings.items():
            if sighting is None:
                prior.pop(key, None)
            else:
                prior[key] = sighting
        for key in step.fired:
            prior[key] = Sighting(fire_after, 0, "fingerprint")
        found.append(({key for key, one in prior.items() if one.fingerprint}, step.surplus))
    return found


@given(looks, st.integers(1, 4), st.integers(1, 4))
def test_hysteresis_counts_consecutive_runs(
    history: list[set[Key]], fire_after: int, clear_after: int
) -> None:
    expected: list[set[Key]] = []
    for number in range(len(history)):
        firing = set(expected[-1]) if expected else set()
        for key in KEYS:
            lately = [key in look for look in history[: number + 1]]
            if all(lately[-fire_after:]) and len(lately) >= fire_after:
                firing.add(key)
            if not any(lately[-clear_after:]) and len(lately) >= clear_after:
                firing.discard(key)
        expected.append(firing)

    assert [firing for firing, _ in play(history, fire_after, clear_after, 100)] == expected


@given(looks, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_never_more_than_allowed_and_those_firing_stay(
    history: list[set[Key]], fire_after: int, clear_after: int, most: int
) -> None:
    before: set[Key] = set()
    for look, (firing, surplus) in zip(
        history, play(history, fire_after, clear_after, most), strict=True
    ):
        assert len(firing) <= most
        assert before & look <= firing
        assert surplus <= len(look - before)
        before = firing


@given(st.lists(st.sampled_from(KEYS)))
def test_equal_identities_are_one(keys: list[Key]) -> None:
    assert set(by_key(condition(key) for key in keys)) == set(keys)


def test_of_two_observations_of_one_identity_the_graver_type_wins() -> None:
    warning, error = Condition("A", "W", "/", "a\nb"), Condition("A", "E", "/", "b\nc")

    for merged in (merge(warning, error), merge(error, warning)):
        assert merged.event_type == "E"
        assert sorted(merged.message.split("\n")) == ["a", "b", "c"]
