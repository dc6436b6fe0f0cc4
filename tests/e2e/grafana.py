"""The shipped dashboards' queries, put to a real Prometheus as Grafana would put them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from tests.e2e.prometheus import PrometheusServer
from tests.e2e.servers import ROOT

DASHBOARDS = sorted((ROOT / "configs" / "grafana").glob("*.json"))
_LABEL_VALUES = re.compile(r"label_values\((.+),\s*(\w+)\)")


@frozen
class Answered:
    """A panel's query with its variables filled in, and how many series it gives."""

    where: str
    expr: str
    series: int


def answers(server: PrometheusServer, start: float, end: float, step: float) -> Iterator[Answered]:
    """Yield what each query of each panel gives for a time span, in Unix seconds."""
    for dashboard in DASHBOARDS:
        document = json.loads(dashboard.read_text(encoding="utf-8"))
        variables = _choose(server, document["templating"]["list"], step)
        for panel in document["panels"]:
            for target in panel["targets"]:
                expr = _filled(target["expr"], variables)
                found = (
                    server.instant(expr)
                    if target.get("instant")
                    else server.between(expr, start, end, step)
                )
                yield Answered(f"{dashboard.name}: {panel['title']}", expr, len(found))


def _choose(
    server: PrometheusServer, given: list[dict[str, Any]], step: float
) -> Mapping[str, str]:
    """Return a value of each variable: the first that Prometheus has, or all where one may."""
    # Grafana takes four scrapes at least, so that a rate has two samples.
    chosen = {"__rate_interval": f"{4 * step:g}s"}
    for variable in given:
        if variable["type"] != "query":
            continue
        query = _LABEL_VALUES.fullmatch(_filled(variable["query"]["query"], chosen))
        assert query, variable["query"]
        values = server.label_values(query[1], query[2])
        assert values, f"${variable['name']} has no values"
        chosen[variable["name"]] = variable.get("allValue", sorted(values)[0])
    return chosen


def _filled(text: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        text = text.replace(f"${name}", value)
    return text
