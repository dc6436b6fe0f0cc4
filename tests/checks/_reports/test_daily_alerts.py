"""The colours of the alerts in the daily report."""

from __future__ import annotations

import pytest

from checks._reports.daily_alerts import worst_colour
from checks._reports.theme import AMBER, GREEN, RED
from tests.support.daily_report import alert


@pytest.mark.parametrize(
    ("kinds", "colour"),
    [
        ((), GREEN),
        (("I",), GREEN),
        (("I", "S"), GREEN),
        (("I", "W"), AMBER),
        (("W", "TE"), RED),
        (("X",), RED),
    ],
)
def test_the_most_severe_alert_gives_the_colour(kinds: tuple[str, ...], colour: str) -> None:
    assert worst_colour(alert("A", kind) for kind in kinds) == colour
