"""What the shared validators refuse, and in which words."""

from __future__ import annotations

import pytest
from attrs import field, frozen

from checks._common.validators import count_of, is_not_empty, is_positive, not_blank, unique
from supervisor.api import Duration


@frozen
class Item:
    """One item of a list."""

    name: str = field(default="a", validator=not_blank("write its name"))
    place: int = 0


@frozen
class Named:
    """Items that differ by name."""

    items: tuple[Item, ...] = field(validator=unique(lambda item: item.name))


@frozen
class Placed:
    """Items that differ by place, and are shown by name."""

    items: tuple[Item, ...] = field(
        validator=[
            is_not_empty,
            unique(lambda item: item.place, shown=lambda item: item.name, remedy="keep one"),
        ]
    )


@frozen
class Limits:
    """A count and a duration."""

    jobs: int | None = field(default=None, validator=count_of("jobs"))
    wait: Duration = field(default=Duration(1), validator=is_positive)


def test_items_that_differ_are_taken() -> None:
    assert Named(()).items == ()
    assert len(Named((Item("a"), Item("b"))).items) == 2
    assert len(Placed((Item("a", 1), Item("a", 2))).items) == 2


def test_every_key_that_comes_again_is_named_once() -> None:
    items = tuple(map(Item, "baacbb"))
    with pytest.raises(ValueError, match=r"^has a, b more than once; give each its own name$"):
        Named(items)


def test_items_are_named_as_they_are_shown() -> None:
    with pytest.raises(ValueError, match=r"^has x, y more than once; keep one$"):
        Placed((Item("y", 1), Item("x", 1), Item("z", 2)))


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^is empty; write at least one, or remove the module$"):
        Placed(())


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_a_blank_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^is empty; write its name$"):
        Item(name)


def test_a_count_below_nothing_is_refused() -> None:
    assert [Limits(jobs).jobs for jobs in (None, 0, 1)] == [None, 0, 1]
    with pytest.raises(ValueError, match=r"^-1 is not a number of jobs; write 0 or more$"):
        Limits(-1)


@pytest.mark.parametrize("wait", [0, -1])
def test_a_duration_of_nothing_is_refused(wait: float) -> None:
    with pytest.raises(ValueError, match=r"^is 0 or less; write for example '10s'$"):
        Limits(wait=Duration(wait))
