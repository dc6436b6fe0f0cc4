"""The settings of the comparison, for the model and as a file for the real one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.simulation.alertmanager.inhibition import InhibitRule
from tests.simulation.alertmanager.matcher import Matcher, Operator
from tests.simulation.alertmanager.route import Receiver, Route
from tests.simulation.alertmanager.settings import Settings

QUIET = Receiver("quiet", send_resolved=False)
TWO = Receiver("two")

SETTINGS = Settings(
    group_by=("seq", "alertname"),
    group_wait=0.9,
    group_interval=1.3,
    repeat_interval=4.5,
    resolve_timeout=3.1,
    routes=(
        Route(QUIET, (Matcher("team", "quiet"),), group_wait=0.4),
        Route(
            TWO,
            (Matcher("team", "tw.", Operator.REGEX),),
            continues=True,
            group_by=("seq",),
            group_interval=1.7,
            repeat_interval=3.0,
        ),
        Route(
            matchers=(Matcher("alertname", "Disk", Operator.NOT_EQUAL),),
            group_by=("...",),
            group_wait=0.6,
        ),
    ),
    inhibit_rules=(
        InhibitRule(
            (Matcher("role", "source|both", Operator.REGEX),),
            (Matcher("role", "target|both", Operator.REGEX),),
            ("seq",),
        ),
    ),
    retention=6.0,
    maintenance_interval=2.5,
    gc_interval=1.9,
)
"""Short times. No repeat interval is near a multiple of its group interval."""


def flags(settings: Settings) -> list[str]:
    return [
        f"--data.retention={_duration(settings.retention)}",
        f"--data.maintenance-interval={_duration(settings.maintenance_interval)}",
        f"--alerts.gc-interval={_duration(settings.gc_interval)}",
    ]


def config(settings: Settings, url: str) -> str:
    """Return the configuration file. JSON is YAML too."""
    receivers = {settings.root.receiver, QUIET, TWO}
    return json.dumps(
        {
            "global": {"resolve_timeout": _duration(settings.resolve_timeout)},
            "route": _route(settings.root),
            "inhibit_rules": [
                {
                    "source_matchers": _matchers(rule.source),
                    "target_matchers": _matchers(rule.target),
                    "equal": list(rule.equal),
                }
                for rule in settings.inhibit_rules
            ],
            "receivers": [
                {
                    "name": each.name,
                    "webhook_configs": [{"url": url, "send_resolved": each.send_resolved}],
                }
                for each in receivers
                if each is not None
            ],
        }
    )


def _route(route: Route) -> dict[str, Any]:
    times = ("group_wait", "group_interval", "repeat_interval")
    return {
        **({"receiver": route.receiver.name} if route.receiver else {}),
        **({"matchers": _matchers(route.matchers)} if route.matchers else {}),
        **({"group_by": list(route.group_by)} if route.group_by is not None else {}),
        **{name: _duration(value) for name in times if (value := getattr(route, name)) is not None},
        "continue": route.continues,
        "routes": [_route(each) for each in route.routes],
    }


def _matchers(matchers: Iterable[Matcher]) -> list[str]:
    return list(map(str, matchers))


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
