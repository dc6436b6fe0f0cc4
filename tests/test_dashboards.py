"""What Prometheus and Grafana are given asks for metrics and labels that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from attrs import frozen

from supervisor.delivery.fallback.record import Record
from supervisor.delivery.fallback.tally import Tally
from supervisor.web.metrics import metrics
from supervisor.web.metrics.metrics import Source
from tests.web.metrics.test_metrics import PROMISED, busy, samples

CONFIGS = Path(__file__).parent.parent / "configs"
RULES = CONFIGS / "prometheus" / "supervisor-rules.yml"
DASHBOARDS = sorted((CONFIGS / "grafana").glob("*.json"))
GIVEN_BY_PROMETHEUS = {"instance", "job", "host", "le"}

_SELECTOR = re.compile(r"\b((?:supervisor|process)_\w+|up)\b(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
_SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


@frozen
class Query:
    """A PromQL expression, and how its result is shown."""

    where: str
    expr: str
    legend: str = ""


def panels(dashboard: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    return found


def queries() -> Iterator[Query]:
    for dashboard in DASHBOARDS:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                where = f"{dashboard.name}: {panel['title']}"
                yield Query(where, plain(target["expr"]), target.get("legendFormat", ""))
    for rule in rules():
        yield Query(rule["alert"], rule["expr"], rule["annotations"]["message"])


def rules() -> list[dict[str, Any]]:
    return [rule for group in read(RULES)["groups"] for rule in group["rules"]]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def plain(expr: str) -> str:
    """Return an expression with Grafana's variables filled in."""
    expr = expr.replace("$__rate_interval", "5m").replace("$instance", "h:9477")
    return expr.replace("$module", ".*")


def known() -> dict[str, set[str]]:
    """Return the labels of each series that a supervisor exposes."""
    found: dict[str, set[str]] = {"up": set()}
    snapshot = busy().snapshot
    fallback: Any = SimpleNamespace(targets={"mail": "x"}, record=Record(), tally=Tally())
    snapshot.fallback = lambda: fallback
    for name, labels in samples("".join(metrics.pieces(Source(snapshot, lambda: 0)))):
        found.setdefault(name, set()).update(label for label, _ in labels)
    return found


def test_there_is_something_to_be_tested() -> None:
    assert len(DASHBOARDS) == 2
    assert len(list(queries())) > 40


def test_every_query_asks_for_a_metric_that_there_is() -> None:
    series = known()
    wrong = [
        f"{query.where}: {name}"
        for query in queries()
        for name, _ in _SELECTOR.findall(query.expr)
        if name not in series
    ]

    assert wrong == []


def test_every_query_asks_for_labels_that_its_metrics_have() -> None:
    series = known()
    wrong = []
    for query in queries():
        selectors = _SELECTOR.findall(query.expr)
        has = GIVEN_BY_PROMETHEUS.union(*(series[name] for name, _ in selectors))
        for name, inner in selectors:
            asked = set(re.findall(r"(\w+)\s*[=!]", inner))
            wrong += [(query.where, each) for each in asked - series[name] - GIVEN_BY_PROMETHEUS]
        for group in _GROUPING.findall(query.expr):
            asked = set(re.findall(r"\w+", group))
            wrong += [(query.where, each) for each in asked - has]
        wrong += [(query.where, each) for each in set(_SHOWN.findall(query.legend)) - has]

    assert wrong == []


def test_every_metric_is_of_use_to_somebody() -> None:
    asked = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for query in queries()
        for name, _ in _SELECTOR.findall(query.expr)
    }

    assert {f"supervisor_{name}" for name in PROMISED} <= asked


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    records = [
        {"record": f"query:{number}", "expr": query.expr} for number, query in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": records}]}), encoding="utf-8")

    assert promtool("check", "rules", str(file)) == 0


def test_the_rules_do_what_they_say() -> None:
    assert promtool("check", "config", str(RULES.with_name("prometheus.yml"))) == 0
    assert promtool("test", "rules", str(RULES.with_name("supervisor-rules.test.yml"))) == 0


def test_every_rule_is_tested() -> None:
    tests = read(RULES.with_name("supervisor-rules.test.yml"))
    tested = {
        case["alertname"]
        for test in tests["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }

    assert tested == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_lie_side_by_side(dashboard: Path) -> None:
    cells = [
        (x, y)
        for panel in panels(dashboard)
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    ids = [panel["id"] for panel in panels(dashboard)]
    assert len(ids) == len(set(ids))


def promtool(*arguments: str) -> int:
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    print(done.stdout, done.stderr)
    return done.returncode
