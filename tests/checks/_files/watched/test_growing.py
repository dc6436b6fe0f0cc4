"""By how much a file has grown: what a run may judge, by when it comes."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks._files.watched.growing import Growth, Point, compare

USUAL = Point(1000, 500, "a", gap=60)
NUMBERS = st.integers(0, 1 << 62)


def test_the_first_run_knows_no_growth() -> None:
    now = Point(1000, 500, "a")

    assert compare(None, now) == (None, now)


def test_the_second_run_may_come_soon_so_it_judges_only_what_is_too_much() -> None:
    growth, kept = compare(Point(1000, 500, "a"), Point(1010, 700, "a"))

    assert growth == Growth(200, is_much=True, is_little=False)
    assert kept == Point(1010, 700, "a", gap=10)


def test_a_usual_run_judges_both() -> None:
    growth, kept = compare(USUAL, Point(1060, 500, "a"))

    assert growth == Growth(0, is_much=True, is_little=True)
    assert kept == Point(1060, 500, "a", gap=60)


def test_a_run_right_after_another_leaves_the_point_and_judges_only_what_is_too_much() -> None:
    growth, kept = compare(USUAL, Point(1029, 500, "a"))

    assert growth == Growth(0, is_much=True, is_little=False)
    assert kept == USUAL


def test_a_run_after_a_stop_judges_only_what_is_too_little() -> None:
    growth, kept = compare(USUAL, Point(9000, 501, "a"))

    assert growth == Growth(1, is_much=False, is_little=True)
    assert kept == Point(9000, 501, "a", gap=120)


def test_another_file_a_shrunk_one_and_a_clock_that_was_set_back_say_nothing() -> None:
    for now in (Point(1060, 900, "b"), Point(1060, 499, "a"), Point(999, 900, "a")):
        assert compare(USUAL, now) == (None, evolve(now, gap=60))


def test_a_new_timetable_is_learnt() -> None:
    point, judged = USUAL, []
    for number in range(1, 10):
        growth, point = compare(point, Point(1000 + 3600 * number, 500, "a"))
        assert growth is not None
        judged.append(growth.is_much)

    assert judged == [False] * 5 + [True] * 4


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_any_two_points_can_be_compared(at: int, size: int, gap: int, now: int, new: int) -> None:
    growth, kept = compare(Point(at, size, "a", gap), Point(now, new, "a"))

    assert growth is None or growth.grown == new - size >= 0
    assert kept.at in (at, now)
