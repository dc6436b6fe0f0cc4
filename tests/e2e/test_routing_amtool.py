"""The routing tree answers as `amtool config routes test` does."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.doctor.peer_metrics import findings, read_metrics, read_status
from supervisor.doctor.routing.routes import read
from tests.e2e.mailing import LEGACY, SHIPPED, ShippedAlertmanager, alert
from tests.e2e.servers import wait_for

NAMES = ("a", "b", "event_type")
VALUES = ("", "W", "E", "WE", "x y", 'say "hi"', "back\\slash", "한글", "a,b", "{}", "1.5")
PATTERNS = (
    "W|E",
    ".*",
    ".+",
    "",
    "^(W|E)$",
    "W.*",
    r"\d\.\d",
    "[^WE]+",
    "(?i)w",
    "x y|한.",
    r".*\\.*",
)
RECEIVERS = ("one", "two", "three", "four")

names = st.sampled_from(NAMES)
values = st.sampled_from(VALUES)
patterns = st.sampled_from(PATTERNS)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


plain = st.tuples(names, st.sampled_from(["=", "!="]), values.map(quoted)).map("".join)
bare = st.tuples(names, st.sampled_from([" = ", "!="]), st.sampled_from(["W", "x y", "", "\\d"]))
regular = st.tuples(names, st.sampled_from(["=~", "!~"]), patterns.map(quoted)).map("".join)
matcher = st.one_of(plain, bare.map("".join), regular)
line = st.lists(matcher, min_size=1, max_size=2).map(",".join)
matching = st.fixed_dictionaries(
    {},
    optional={
        "match": st.dictionaries(names, values, max_size=1),
        "match_re": st.dictionaries(names, patterns, max_size=1),
        "matchers": st.lists(line.map(lambda text: f"{{{text}}}") | line, max_size=2),
    },
)


own = st.fixed_dictionaries(
    {"continue": st.booleans()}, optional={"receiver": st.sampled_from(RECEIVERS)}
)
leaves = st.builds(lambda first, second: {**first, **second}, matching, own)


def branches(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    below = st.lists(children, max_size=3)
    return st.builds(lambda branch, routes: {**branch, "routes": routes}, leaves, below)


trees = st.lists(st.recursive(leaves, branches, max_leaves=8), min_size=1, max_size=4)
labels = st.dictionaries(names, values.filter(bool), max_size=3)


def amtool(config: Path, tags: Mapping[str, str]) -> str:
    command = ["amtool", "config", "routes", "test", f"--config.file={config}"]
    command += [f"{name}={quoted(value)}" for name, value in tags.items()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr + config.read_text(encoding="utf-8")
    return done.stdout.splitlines()[-1].strip()  # since 0.27 a warning may come first


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, alerts=st.lists(labels, min_size=2, max_size=2))
def test_any_tree_leads_where_amtool_says(
    tmp_path: Path, tree: list[dict[str, Any]], alerts: list[dict[str, str]]
) -> None:
    document = {
        "route": {"receiver": RECEIVERS[0], "routes": tree},
        "receivers": [{"name": name} for name in RECEIVERS],
    }
    config = tmp_path / "tree.yml"
    config.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    routing = read(config.read_text(encoding="utf-8"))

    for each in alerts:
        reached = routing.reached(each)
        assert ",".join(route.receiver for route in reached) == amtool(config, each)


@pytest.mark.parametrize("config", [SHIPPED, LEGACY], ids=["shipped", "legacy"])
@pytest.mark.parametrize("event_type", ["W", "E", "I", "S", "TE"])
@pytest.mark.parametrize("more", [{}, {"event_id": "1"}, {"alertname": "Heartbeat"}], ids=str)
def test_our_alerts_go_where_amtool_says(
    config: Path, event_type: str, more: dict[str, str]
) -> None:
    ours = {"event_type": event_type, "check": "supervisor", **more}

    reached = read(config.read_text(encoding="utf-8")).reached(ours)

    assert [route.receiver for route in reached] == [amtool(config, ours)]


def test_what_a_real_server_says_of_itself_is_understood(tmp_path: Path) -> None:
    server = ShippedAlertmanager(tmp_path, "127.0.0.1:1")  # where no mail server is
    server.start()
    try:
        server.post(alert("Connection failed"))
        wait_for(lambda: server.metric("alertmanager_notification_requests_failed_total"), 15, "")
        status = httpx.get(f"{server.url}/api/v2/status", trust_env=False).content
        metrics = httpx.get(f"{server.url}/metrics", trust_env=False).text
    finally:
        server.stop()

    peer = read_status(status)
    as_written = read((tmp_path / "alertmanager.yml").read_text(encoding="utf-8"))
    found = findings(read_metrics(metrics), peers=3)
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", peer.version)
    assert read(peer.configuration).root == as_written.root
    assert [re.sub(r"\d+", "N", finding.what) for finding in found] == [
        "N of N attempts to notify by email have failed since it started",
        "it is not in a cluster, but urls has N peers: each of them notifies of each event",
    ]
