"""What the `dns` check refuses before it runs, and what it would have instead."""

from __future__ import annotations

import re
from typing import Any

import pytest

from checks.dns import Params
from supervisor.api import Duration, Limit
from tests.checks.dns_bench import query


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ask": ""}, "'' is not a name; write for example 'example.invalid'"),
        ({"ask": "a..b"}, "'a..b' is not a name (A DNS label is empty); write for example"),
        ({"ask": "1.2.3", "type": "PTR"}, "write for example 'example.invalid', or an address"),
        (
            {"expect": ("mail",)},
            "expect: 'mail' is not a record of the type MX; "
            "write for example '10 mail.example.invalid.'",
        ),
        ({"expect_any": ("1.2.3",), "type": "A"}, "expect_any: '1.2.3' is not a record of the"),
        (
            {"expect": ("5 a.",), "pattern": "x"},
            "expect and pattern exclude each other; write one of them",
        ),
        ({"pattern": "("}, "is not a regular expression"),
        ({"servers": ("127.0.0.1:0",)}, "'127.0.0.1:0' is not a name server; write for example"),
        ({"servers": ("::1", "[::1]:53")}, "has ::1 more than once; remove one"),
        ({"max_seconds": Limit.of(Duration(5))}, "max_seconds is not below timeout"),
        ({"name": " "}, "write what the query is called"),
    ],
)
def test_wrong_parameters_are_refused_with_a_remedy(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        query(**settings)


def test_two_queries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="has q more than once"):
        Params((query(), query(ask="other.invalid")))
