"""What the `clock` check refuses before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from checks.clock import Params, TimeServer
from supervisor.api import Duration, Limit


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"synchronised": False}, "nothing to look at"),
        ({"max_offset": Limit.of(Duration(60))}, "between 0 and error_offset"),
        (
            {"max_offset": Limit((("W", 1),)), "error_offset": Duration(5)},
            "error_offset is of no use beside a table",
        ),
        ({"timeout": Duration(0)}, "is 0 or less"),
        ({"servers": (TimeServer("a"), TimeServer("a"))}, "has a more than once"),
    ],
)
def test_wrong_parameters_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Params(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": ""}, "is not a host"),
        ({"host": "a", "port": 0}, "is not a port"),
        ({"host": "a", "event_type": " "}, "is empty"),
    ],
)
def test_wrong_servers_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TimeServer(**settings)
