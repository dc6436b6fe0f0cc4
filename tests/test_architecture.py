"""Imports point one way: command line, daemon, tasks, adapters, pure code, values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

LAYERS = {
    "commands": {"__main__", "catalogue", "once", "test_alert"},
    "daemon": {"daemon"},
    "tasks": {"recorder", "runner", "sender", "watchdog"},
    "adapters": {
        "alertmanager",
        "api",
        "briefing",
        "clock",
        "console",
        "descendants",
        "executable",
        "ledger",
        "loader",
        "lock",
        "logs",
        "process",
        "procfs",
        "signals",
        "systemd",
        "threads",
    },
    "pure": {
        "book",
        "conditions",
        "config",
        "context",
        "delivery",
        "draft",
        "due",
        "eviction",
        "faults",
        "notation",
        "plan",
        "progress",
        "rules",
        "schedule",
        "secret",
        "service",
        "service_files",
        "strict",
        "structure",
        "timezone",
        "wire",
        "wording",
    },
    "values": {"__init__", "errors", "model"},
}
HEIGHT = {name: height for height, names in enumerate(reversed(LAYERS.values())) for name in names}
"""The higher may import the lower; within a layer no two may import each other."""

WITHOUT_TRIO = LAYERS["pure"] | LAYERS["values"] | {"ledger"}


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> dict[str, Path]:
    return {path.stem: path for path in sorted((ROOT / "supervisor").glob("*.py"))}


def neighbours(path: Path) -> set[str]:
    """Return the modules of the supervisor that a file imports."""
    dotted = [name.split(".") for name in imports(path)]
    return {parts[1] for parts in dotted if parts[0] == "supervisor" and parts[1:2]} & set(rooms())


def test_every_module_has_its_layer() -> None:
    assert set(rooms()) == set(HEIGHT)


def test_imports_point_from_the_higher_layer_to_the_lower() -> None:
    wrong = [
        f"{name} -> {other}"
        for name, path in rooms().items()
        for other in neighbours(path)
        if HEIGHT[other] > HEIGHT[name]
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
        for name in WITHOUT_TRIO
        if any(dot.split(".")[0] == "trio" for dot in imports(rooms()[name]))
    ]

    assert wrong == []


def test_only_the_alertmanager_adapter_knows_httpx() -> None:
    knowing = [
        name
        for name, path in rooms().items()
        if any(dotted.split(".")[0] in ("httpx", "httpcore") for dotted in imports(path))
    ]

    assert knowing == ["alertmanager"]


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
        if dotted.split(".")[0] == "supervisor" and dotted.split(".")[1:2] not in ([], ["api"])
    ]

    assert wrong == []
