"""Imports point one way: command line, daemon, tasks, adapters, pure code, values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

LAYERS = {
    "converter": {"convert"},
    "commands": {
        "__main__",
        "catalogue",
        "doctor",
        "host_examination",
        "once",
        "peer_examination",
        "status",
        "test_alert",
    },
    "daemon": {"daemon"},
    "tasks": {
        "inquiries",
        "local_socket",
        "module_tasks",
        "peer_tasks",
        "recorder",
        "reload",
        "runner",
        "sender",
        "watchdog",
        "web",
    },
    "adapters": {
        "alertmanager",
        "api",
        "briefing",
        "clock",
        "console",
        "descendants",
        "executable",
        "heap",
        "ledger",
        "loader",
        "lock",
        "logs",
        "process",
        "procfs",
        "resolver",
        "signals",
        "snapshot",
        "systemd",
        "tables",
        "task_tree",
        "threads",
    },
    "pure": {
        "book",
        "conditions",
        "config",
        "context",
        "delivery",
        "draft",
        "encoding",
        "episodes",
        "due",
        "eviction",
        "faults",
        "finding",
        "histogram",
        "history",
        "matchers",
        "local_day",
        "overlay",
        "own",
        "peer_findings",
        "peer",
        "plan",
        "plan_picture",
        "progress",
        "routing",
        "routing_findings",
        "schedule",
        "secret",
        "service",
        "wire",
        "wording",
    },
    "values": {"__init__", "errors", "model"},
}
HEIGHT = {name: height for height, names in enumerate(reversed(LAYERS.values())) for name in names}
"""The higher may import the lower; within a layer no two may import each other."""

WITHOUT_TRIO = LAYERS["pure"] | LAYERS["values"] | {"ledger", "tables"}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> dict[str, Path]:
    """Return the supervisor's files by dotted name: `config` and, within it, `config.rules`."""
    top = ROOT / "supervisor"
    return {
        ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(top.rglob("*.py"))
    }


def height(name: str) -> int:
    return HEIGHT[name.split(".")[0]]


def neighbours(path: Path) -> set[str]:
    """Return the rooms that a file imports from: the innermost that the dotted name leads to."""
    known = rooms()
    found = set()
    for dotted in imports(path):
        parts = dotted.split(".")
        if parts[0] == "supervisor":
            inward = [".".join(parts[1:length]) for length in range(len(parts), 1, -1)]
            found.add(next((name for name in inward if name in known), "__init__"))
    return found - {name for name, own in known.items() if own == path}


def test_every_module_has_its_layer() -> None:
    assert {name.split(".")[0] for name in rooms()} == set(HEIGHT)


def test_imports_point_from_the_higher_layer_to_the_lower() -> None:
    wrong = [
        f"{name} -> {other}"
        for name, path in rooms().items()
        for other in neighbours(path)
        if height(other) > height(name)
    ]

    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: neighbours(path) for name, path in rooms().items()}
    while leaves := {name for name, others in graph.items() if not others & graph.keys()}:
        graph = {name: others for name, others in graph.items() if name not in leaves}

    assert graph == {}


def test_values_rules_and_ledger_do_without_trio() -> None:
    wrong = [
        name
        for name, path in rooms().items()
        if name.split(".")[0] in WITHOUT_TRIO
        and any(dotted.split(".")[0] == "trio" for dotted in imports(path))
    ]

    assert wrong == []


def test_only_the_alertmanager_adapter_knows_httpx() -> None:
    knowing = [
        name
        for name, path in rooms().items()
        if any(dotted.split(".")[0] in ("httpx", "httpcore") for dotted in imports(path))
    ]

    assert knowing == ["alertmanager"]


def test_nothing_but_its_script_imports_the_converter() -> None:
    importing = {
        name.split(".")[0]
        for name, path in rooms().items()
        if any(f"{dotted}.".startswith("supervisor.convert.") for dotted in imports(path))
    }

    assert importing == {"convert"}


def test_the_supervisor_never_imports_checks() -> None:
    wrong = [
        name
        for name, path in rooms().items()
        if any(dotted.split(".")[0] == "checks" for dotted in imports(path))
    ]

    assert wrong == []


def test_checks_see_the_api_alone() -> None:
    wrong = [
        f"{path.name} imports {dotted}"
        for path in sorted((ROOT / "checks").glob("*.py"))
        for dotted in imports(path)
        if dotted.split(".")[0] == "supervisor" and dotted.split(".")[1] != "api"
    ]

    assert wrong == []
