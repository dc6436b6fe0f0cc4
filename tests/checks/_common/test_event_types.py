"""The order of event types."""

from __future__ import annotations

import itertools

import pytest

from checks._common.event_types import severity_order


@pytest.mark.parametrize("kinds", [*itertools.permutations(["I", "W", "E", "S", "TE"])])
def test_severities_come_first_and_channels_by_name_after_them(kinds: tuple[str, ...]) -> None:
    assert sorted(kinds, key=severity_order) == ["TE", "E", "W", "I", "S"]


def test_an_unknown_type_has_no_severity() -> None:
    assert sorted(["SI", "X", "W", "", "I"], key=severity_order) == ["W", "", "I", "SI", "X"]
