"""Which processes others have started, and which instances have taken the place of others."""

from __future__ import annotations

import os

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks._daemons.family import families, read_children
from checks._daemons.restarts import MAX_INSTANCES, replaced
from checks._daemons.usage import Usage
from checks._daemons.users import wrong_users
from checks._processes.process import Process, key, look_up
from supervisor.api import Json


def process(pid: int, parent: int = 1, born: int | None = None) -> Process:
    return Process(pid, b"x", "S", parent, born if born is not None else pid)


def by_parent(*processes: Process) -> dict[int, list[Process]]:
    children: dict[int, list[Process]] = {}
    for each in processes:
        children.setdefault(each.parent, []).append(each)
    return children


def pids(found: list[list[Process]]) -> list[list[int]]:
    return [[each.pid for each in family] for family in found]


def test_a_family_has_all_descendants_and_no_one_else() -> None:
    root, other = process(10), process(20)
    children = by_parent(
        root, other, process(11, 10), process(12, 11), process(21, 20), process(30)
    )

    assert pids(families([root], children)) == [[10, 11, 12]]
    assert pids(families([other, root], children)) == [[10, 11, 12], [20, 21]]


def test_one_that_descends_from_another_belongs_to_it() -> None:
    root, worker = process(10), process(12, 11)
    children = by_parent(root, process(11, 10), worker)

    assert pids(families([worker, root], children)) == [[10, 11, 12]]


def test_a_circle_that_a_reused_pid_may_make_ends() -> None:
    first, second = process(10, 11), process(11, 10)

    assert pids(families([first], by_parent(first, second))) == [[10, 11]]


def test_this_process_is_found_below_its_parent() -> None:
    children = read_children([os.getpid(), 2**30])

    assert [each.pid for each in children[os.getppid()]] == [os.getpid()]


def run(known: Json, *running: Process) -> tuple[list[int], Json]:
    found, remembered = replaced(known, running)
    return [each.pid for each in found], remembered


def test_the_first_look_remembers_and_tells_nothing() -> None:
    assert run(None, process(10)) == ([], ["10/10"])


def test_an_instance_that_takes_the_place_of_another_is_told_once() -> None:
    _, known = run(None, process(10))
    restarted, known = run(known, process(20))

    assert restarted == [20]
    assert run(known, process(20)) == ([], ["20/20"])


def test_the_same_pid_at_another_time_is_another_instance() -> None:
    _, known = run(None, process(10, born=5))

    assert run(known, process(10, born=6))[0] == [10]


def test_an_instance_that_is_away_for_some_runs_is_remembered() -> None:
    _, known = run(None, process(10), process(11))
    _, known = run(known, process(10))
    _, known = run(known, process(10))

    assert run(known, process(10), process(20)) == ([20], ["10/10", "20/20"])


def test_more_instances_than_before_are_not_restarts() -> None:
    _, known = run(None, process(10))

    assert run(known, process(10), process(11), process(12))[0] == []


def test_workers_that_are_replaced_are_not_restarts() -> None:
    _, known = run(None, process(10), process(11, 10))

    assert run(known, process(10), process(20, 10)) == ([], ["10/10"])


def test_as_many_are_told_as_have_ended() -> None:
    _, known = run(None, process(10), process(11))

    assert run(known, process(11), process(20), process(21))[0] == [21]


@pytest.mark.parametrize("known", [None, 3, "x", {}, [1, None, [], {}], ["x"], True])
def test_whatever_was_remembered_is_used_or_left_out(known: Json) -> None:
    _, remembered = run(known, process(10))

    assert isinstance(remembered, list)
    assert remembered[-1] == "10/10"


def test_a_pid_that_another_process_has_now_has_no_wrong_user() -> None:
    own = look_up(os.getpid())
    assert own is not None
    stranger = os.geteuid() + 1
    for process, expected in ((own, ["a"]), (evolve(own, born=own.born + 1), [])):
        usage = Usage([process], [process], user=str(os.geteuid()), owners=[(process, stranger)])

        assert list(wrong_users([("a", usage)])) == expected


@given(st.lists(st.lists(st.integers(1, 60), unique=True, max_size=40), max_size=8))
def test_what_is_remembered_stays_small_and_nothing_is_told_twice(runs: list[list[int]]) -> None:
    known: Json = None
    for running in runs:
        present = [process(pid) for pid in running]
        told, known = replaced(known, present)
        again, known = replaced(known, present)

        assert isinstance(known, list)
        assert len(known) <= MAX_INSTANCES
        assert set(map(key, told)) <= set(map(key, present))
        assert again == [] or len(present) > MAX_INSTANCES
