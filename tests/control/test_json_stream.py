"""JSON in pieces is the JSON of the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.control.json_stream import ITEMS_PER_PIECE, pieces

LIMIT = ITEMS_PER_PIECE


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"text": "점검\n", "number": 1.5, "nothing": None},
        {"short": [1, 2], "empty": [], "inside": {"long": [*range(2 * LIMIT)]}},
        {
            "long": [{"name": str(number)} for number in range(3 * LIMIT + 1)],
            "after": True,
        },
        {
            "first": [*range(2 * LIMIT)],
            "second": [*range(LIMIT)],
            "third": [*range(LIMIT + 1)],
        },
    ],
)
def test_it_is_the_same_document(document: dict[str, Any]) -> None:
    assert json.loads(b"".join(pieces(document))) == document


def test_a_short_document_is_one_piece() -> None:
    assert len([*pieces({"name": "disk", "runs": [*range(LIMIT)]})]) == 1


def test_a_long_list_is_many() -> None:
    assert len([*pieces({"modules": [*range(10 * LIMIT)], "alerts": []})]) == 11


def test_half_a_surrogate_pair_or_a_mark_of_direction_spoils_nothing() -> None:
    written = b"".join(pieces({"message": "\ud800 \x9b31m \u202e", "list": ["\u2028"] * 150}))

    assert json.loads(written) == {"message": "\ufffd \ufffd31m \ufffd", "list": ["\ufffd"] * 150}
