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
    history: list[set[Key]], fire_after: int, clear_after: int, most: int, of_last: int = 0
) -> list[tuple[set[Key], int]]:
    """Return what fires after each run, and how many were too many in it.

    Without `of_last` a condition must be seen in `fire_after` runs in a row.
    """
    prior: dict[Key, Sighting] = {}
    found = []
    for look in history:
        observed = {key: condition(key) for key in sorted(look)}
        step = compare(
            prior,
            observed,
            fire_after=fire_after,
            of_last=of_last or fire_after,
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


def counted(history: list[bool], fire_after: int, of_last: int, clear_after: int) -> list[bool]:
    """Return after which runs a condition fires, by counting the runs since its last end."""
    fires, since, found = False, 0, []
    for number, sees in enumerate(history):
        lately = history[since : number + 1]
        if not fires:
            fires = sees and sum(lately[-of_last:]) >= fire_after
        elif not any(history[max(0, number + 1 - clear_after) : number + 1]):
            fires, since = False, number + 1
        found.append(fires)
    return found


@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=40),
    st.integers(1, 7),
    st.integers(0, 6),
    st.integers(1, 4),
)
def test_m_of_the_last_n_runs_are_what_a_count_of_them_says(
    history: list[list[bool]], fire_after: int, more: int, clear_after: int
) -> None:
    of_last = fire_after + more
    looks = [{key for key, sees in zip(KEYS, run, strict=True) if sees} for run in history]
    fires = [firing for firing, _ in play(looks, fire_after, clear_after, 100, of_last)]

    for place, key in enumerate(KEYS):
        seen = [run[place] for run in history]
        expected = counted(seen, fire_after, of_last, clear_after)
        assert [key in firing for firing in fires] == expected


@given(
    st.lists(st.booleans(), max_size=80),
    st.integers(1, 3) | st.integers(1, 60),
    st.integers(0, 2) | st.integers(0, 59),
)
def test_no_more_is_remembered_than_the_ledger_has_room_for(
    history: list[bool], fire_after: int, more: int
) -> None:
    of_last = min(60, fire_after + more)
    prior: dict[Key, Sighting] = {}
    for sees in history:
        observed = {KEYS[0]: condition(KEYS[0])} if sees else {}
        step = compare(
            prior,
            observed,
            fire_after=fire_after,
            of_last=of_last,
            clear_after=1,
            max_conditions=9,
        )
        for key, sighting in step.sightings.items():
            if sighting is None:
                prior.pop(key)
            else:
                assert 0 < sighting.seen <= of_last
                assert 0 <= sighting.missed < 1 << of_last
                assert sighting.seen + sighting.missed.bit_count() <= of_last
                assert fire_after < of_last or not sighting.missed
                prior[key] = sighting


def test_a_rule_that_has_changed_counts_what_is_remembered() -> None:
    prior = {KEYS[0]: Sighting(2, 0)}
    observed = {KEYS[0]: condition(KEYS[0])}
    some = compare(prior, observed, fire_after=3, of_last=5, clear_after=1, max_conditions=9)
    missed = compare(
        {KEYS[0]: Sighting(2, 0b10)},
        observed,
        fire_after=3,
        of_last=3,
        clear_after=1,
        max_conditions=9,
    )

    assert some.fired == [KEYS[0]]
    assert missed.fired == []
    assert missed.sightings == {KEYS[0]: Sighting(2, 0)}


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
