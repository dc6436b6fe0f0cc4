"""What the `ping` check refuses before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from checks.ping import Params, PingedHost
from supervisor.api import Duration, Limit
from tests.checks.ping_bench import host
from tests.support.network_namespace import needs_root

pytestmark = needs_root


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"max_loss_percent": Limit.of(100.0)}, "100 is not from 0 to below 100"),
        ({"max_seconds": Limit.of(Duration(0))}, "is 0 or less"),
        ({"family": "ipv6"}, "192.0.2.9 is not an address of ipv6"),
        ({"name": " "}, "is empty"),
        ({"host": "a b"}, "is not a host"),
    ],
)
def test_a_host_that_cannot_be_meant_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PingedHost(**({"name": "gateway", "host": "192.0.2.9"} | settings))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"hosts": ()}, "is empty"),
        ({"hosts": (host(), host())}, "has gateway more than once"),
        ({"count": 0}, "0 is not from 1 to 1000"),
        ({"interval": Duration(0.001)}, "is less than 0.01 s"),
        ({"timeout": Duration(0)}, "is 0 or less"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Params(**({"hosts": (host(),)} | settings))
