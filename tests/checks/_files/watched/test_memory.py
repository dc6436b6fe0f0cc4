"""What is remembered of a file: it comes back as it was, and nonsense counts as unknown."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from checks._files.watched.growing import Point
from checks._files.watched.hashing import Digest
from checks._files.watched.memory import Known, Newest

NUMBERS = st.integers(0, (1 << 63) - 1)
POINTS = st.builds(Point, NUMBERS, NUMBERS, st.just("0123456789abcdef"), NUMBERS)
NEWEST = st.builds(Newest, st.just("0123456789abcdef"), NUMBERS, NUMBERS, NUMBERS | st.just(-1))
DIGESTS = st.builds(Digest, st.just("0f" * 32), st.sampled_from(["", "0123456789abcdef"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.none() | DIGESTS, st.none() | POINTS, st.none() | NEWEST)
def test_what_is_kept_comes_back_and_is_small(
    digest: Digest | None, point: Point | None, newest: Newest | None
) -> None:
    known = Known(digest, point, newest)
    text = json.dumps(known.dump())

    assert Known.load(json.loads(text)) == known
    # 200 files must fit into the 64 KiB of a state, with their keys of 16 characters.
    assert len(text) < 300


@given(JSON | st.fixed_dictionaries({"digest": JSON, "point": JSON, "newest": JSON}))
def test_nonsense_counts_as_unknown(value: object) -> None:
    known = Known.load(value)  # type: ignore[arg-type]  # any JSON

    assert known.digest is None or len(known.digest.sha256) == 64
    assert Known.load(known.dump()) == known


def test_numbers_that_cannot_be_are_unknown() -> None:
    file = "0123456789abcdef"
    wrong = (
        {"point": [10**400, 1, file, 0]},
        {"point": [True, 1, file, 0]},
        {"point": [1.5, 1, file, 0]},
        {"point": [float("nan"), 1, file, 0]},
        {"newest": [file, -1, 1, -1]},
        {"newest": [file, 1, 1, -2]},
        {"digest": ["0f", file]},
        {"digest": ["0F" * 32, file]},
    )

    assert [Known.load(value) for value in wrong] == [Known()] * len(wrong)


def test_the_one_before_is_what_was_the_newest() -> None:
    first = Newest("a", 10, 500).after(None)
    grown = Newest("a", 11, 600).after(first)
    second = Newest("b", 20, 100).after(grown)
    again = Newest("b", 20, 110).after(second)
    back = Newest("a", 11, 600).after(again)

    assert [each.before for each in (first, grown, second, again)] == [-1, -1, 600, 600]
    assert back.before == -1
