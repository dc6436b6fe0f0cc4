"""What a value is worth against a limit, and how a service file writes one."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.limits.limit import EVENT_TYPES, Crossing, Limit
from supervisor.config.limits.order import lower_limit, upper_limit
from supervisor.config.problems import TableError
from supervisor.config.strict import size
from supervisor.config.structure import structure
from supervisor.observations import Duration, Size
from supervisor.text import written_size
from tests.support.limits import lower_limits, upper_limits

FULL = Limit((("W", 80), ("E", 95)), clear=75)
values = st.integers(-10, 130)


@frozen
class Params:
    max_use: Limit[int] = field(validator=upper_limit)
    min_free: Limit[float] | None = field(default=None, validator=lower_limit)
    max_age: Limit[Duration] | None = field(default=None, validator=upper_limit)
    min_space: Limit[Size] | None = field(default=None, validator=lower_limit)


def test_a_number_means_what_it_always_meant() -> None:
    limit = Limit.of(90)

    assert limit.above(90, "W") is None
    assert limit.above(91, "W") == Crossing("W")
    assert limit.below(90, "S") is None
    assert limit.below(89, "S") == Crossing("S")


@pytest.mark.parametrize(
    ("value", "crossing"),
    [
        (74, None),
        (75, Crossing("W", sustain=True)),
        (80, Crossing("W", sustain=True)),
        (81, Crossing("W")),
        (89, Crossing("W")),
        (90, Crossing("W", keeps=("E",))),
        (95, Crossing("W", keeps=("E",))),
        (96, Crossing("E")),
    ],
)
def test_a_value_has_the_type_of_the_number_it_has_passed_or_is_in_a_band(
    value: int, crossing: Crossing | None
) -> None:
    mirrored = Limit(tuple((kind, -number) for kind, number in FULL.levels), clear=-75)

    assert FULL.above(value, "I") == crossing
    assert mirrored.below(-value, "I") == crossing


def test_without_clear_a_condition_ends_where_it_begins() -> None:
    limit = Limit((("E", 95), ("W", 80)))

    assert [limit.above(value, "I") for value in (80, 81, 95, 96)] == [
        None,
        Crossing("W"),
        Crossing("W"),
        Crossing("E"),
    ]


@given(upper_limits(), values)
def test_a_value_is_judged_by_each_number_apart(limit: Limit[int], value: int) -> None:
    crossing = limit.above(value, "I")
    by_number = sorted(limit.levels, key=lambda level: level[1])
    first = by_number[0][1]
    clear = first if limit.clear is None else limit.clear
    passed = [kind for kind, number in by_number if value > number]
    band = [
        kind
        for kind, number in by_number
        if limit.clear is not None and number - (first - clear) <= value <= number
    ]

    if not passed and not band:
        assert crossing is None
    else:
        assert crossing is not None
        assert crossing.sustain == (not passed)
        assert crossing.event_type == ([by_number[0][0], *passed][-1] or "I")
        assert crossing.keeps == tuple(kind for kind in band if kind != by_number[0][0] or passed)


@given(lower_limits(), values)
def test_what_should_not_be_less_is_the_mirror_of_what_should_not_be_more(
    limit: Limit[int], value: int
) -> None:
    clear = None if limit.clear is None else -limit.clear
    mirrored = Limit(tuple((kind, -number) for kind, number in limit.levels), clear)

    assert limit.below(value, "I") == mirrored.above(-value, "I")


@given(st.sampled_from([0.1, 0.3, 0.7, 1e-9, 1e9]), st.sampled_from([0.0, 0.1, 1.1]))
def test_clear_itself_still_belongs_to_the_band(number: float, width: float) -> None:
    limit = Limit((("W", number), ("E", number * 3)), clear=number - width)

    assert limit.above(number - width, "W") == Crossing("W", sustain=True)
    assert Fraction(limit.lowest) == Fraction(number - width)


def test_a_service_file_has_a_number_or_a_table() -> None:
    table = {"W": 80, "E": 95, "clear": 75}
    found = structure({"max_use": table, "min_free": {"E": 5}, "max_age": {"I": "2h"}}, Params)

    assert structure({"max_use": 90}, Params) == Params(Limit.of(90))
    assert found.max_use == FULL
    assert found.max_use.value == table
    assert found.min_free == Limit((("E", 5.0),))
    assert found.max_age == Limit((("I", Duration(7200)),))


def test_a_limit_has_words_for_a_message() -> None:
    assert Limit.of(90).words("{} %".format) == "90 %"
    assert FULL.words("{} %".format) == "W 80 %, E 95 %, clear 75 %"
    assert Limit((("W", 0.5),)).words() == "W 0.5"


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        (
            {"max_use": {"W": 95, "E": 80}},
            ("max_use",),
            "E (80) is below W (95), so W never fires; exchange the two numbers",
        ),
        (
            {"max_use": 1, "min_free": {"W": 5, "E": 20}},
            ("min_free",),
            "E (20) is above W (5), so W never fires; exchange the two numbers",
        ),
        (
            {"max_use": {"W": 80, "clear": 85}},
            ("max_use",),
            "clear (85) is above W (80); write 80, or a number below it",
        ),
        (
            {"max_use": 1, "min_free": {"E": 5, "W": 20, "clear": 10}},
            ("min_free",),
            "clear (10) is below W (20); write 20, or a number above it",
        ),
        (
            {"max_use": 1, "max_age": {"W": "1h", "E": "30m"}},
            ("max_age",),
            "E (30m) is below W (1h), so W never fires; exchange the two numbers",
        ),
        (
            {"max_use": 1, "min_space": {"W": "5GiB", "clear": "1000MiB"}},
            ("min_space",),
            "clear (1000MiB) is below W (5GiB); write 5GiB, or a number above it",
        ),
        (
            {"max_use": {"I": 80, "W": 80}},
            ("max_use",),
            "I and W are both 80, so one of them never fires; give each its own number",
        ),
        (
            {"max_use": {"warning": 80}},
            ("max_use", "warning"),
            "is not an event type of a limit; did you mean 'W'?",
        ),
        (
            {"max_use": {"W": 80, "urgent": 90}},
            ("max_use", "urgent"),
            "is not an event type of a limit; write one of E, I, S, W, clear",
        ),
        (
            {"max_use": {"clear": 80}},
            ("max_use",),
            "has no event type; write { W = …, E = … }, or a number alone",
        ),
        (
            {"max_use": {"W": "80"}},
            ("max_use", "W"),
            "is text, not an integer; write 80, without quotes",
        ),
        ({"max_use": "80"}, ("max_use",), "is text, not an integer; write 80, without quotes"),
    ],
)
def test_a_wrong_limit_is_named_with_what_would_be_right(
    table: dict[str, object], path: tuple[str, ...], said: str
) -> None:
    with pytest.raises(TableError) as caught:
        structure(table, Params)

    assert [
        (problem.path, f"{problem.wrong}; {problem.remedy}") for problem in caught.value.problems
    ] == [(path, said)]


@given(upper_limits(), lower_limits())
def test_limits_in_the_right_order_are_taken(upper: Limit[int], lower: Limit[int]) -> None:
    table = {"max_use": upper.value, "min_free": lower.value}

    found = structure(table, Params)

    assert found.max_use == upper
    assert found.min_free == lower
    assert {kind for kind, _ in found.max_use.levels} <= {*EVENT_TYPES, ""}


@pytest.mark.parametrize(
    ("written", "size"),
    [(0, 0), ("5GiB", 5 * 2**30), ("1 TB", 10**12), ("7k", 7000), ("3MiB", 3 * 2**20), ("9", 9)],
)
def test_a_limit_may_be_a_size(written: int | str, size: int) -> None:
    assert structure(written, Limit[Size]) == Limit.of(size)


@given(st.integers(0, 10**15 - 1) | st.integers(0, 1023).map(lambda count: count * 2**50))
def test_a_size_is_told_as_a_service_file_may_have_it(number: int) -> None:
    assert size(written_size(number), Size) == number
