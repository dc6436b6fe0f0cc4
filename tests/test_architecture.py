"""The folders stand in one order: see docs/explanation/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.imports import (
    circles,
    dotted,
    entry_graph,
    entry_of,
    file_graph,
    files_in,
    imported_files,
    imported_names,
    levels,
)

ROOT = Path(__file__).parent.parent

ORDER = (
    "__main__",
    "commands",
    "convert",
    "daemon",
    "doctor",
    "discover",
    "jobs",
    "web",
    "control",
    "delivery",
    "api",
    "recorder",
    "modules",
    "ledger",
    "alerts",
    "schedule",
    "stats",
    "processes",
    "config",
    "host",
    "observations",
    "text",
    "files",
    "errors",
)
"""The entries of `supervisor/`, from the top down. Each may import only those below it."""

CHECK_ORDER = (
    ("_daemons", "_logs", "_reports", "_units"),
    (
        "_database",
        "_devices",
        "_dns",
        "_files",
        "_http",
        "_jobs",
        "_kernel",
        "_ntp",
        "_ping",
        "_processes",
        "_talk",
    ),
    ("_common",),
)
"""The shared folders of `checks/`, from the top down. Those of one row do not import each other."""

WITHOUT_TRIO = (
    "ledger",
    "alerts",
    "schedule",
    "stats",
    "config",
    "observations",
    "text",
    "files",
    "errors",
)
"""Rules, values and the ledger: they can be used and tested without an event loop."""

MAX_LEVELS = 11
"""Levels of the entries of `supervisor/` at most."""

MAX_ARROWS = 122
"""Import arrows between the entries of `supervisor/` at most.

Two lead to `schedule/`: the recorder asks whether a maintenance window holds an alert, and
`control/` shows the windows. The last leads from `delivery/` to `processes/`: the fallback runs a
command.
"""


def supervisor_files() -> list[Path]:
    return files_in(ROOT / "supervisor")


def check_files() -> list[Path]:
    return files_in(ROOT / "checks")


def name_of(path: Path) -> str:
    return dotted(path, ROOT)


def imports(path: Path, package: str) -> bool:
    """Return whether a file imports a package, or something in it."""
    return any(f"{name}.".startswith(f"{package}.") for name in imported_names(path))


def importers(package: str, files: list[Path]) -> list[str]:
    return [name_of(path) for path in files if imports(path, package)]


def test_every_entry_has_its_place_in_the_order() -> None:
    assert set(entry_graph(ROOT, "supervisor")) == set(ORDER)


def test_the_page_shows_the_entries_in_this_order() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| folder | what it is for |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    named = [name for row in rows for name in re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])]

    assert tuple(named) == ORDER


def test_no_import_points_upwards() -> None:
    wrong = [
        f"{name_of(path)} -> {other}"
        for path in supervisor_files()
        for other in imported_files(path, ROOT, "supervisor")
        if entry_of(name_of(path))
        and entry_of(other)
        and ORDER.index(entry_of(other)) < ORDER.index(entry_of(name_of(path)))
    ]

    assert wrong == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(file_graph(ROOT, "supervisor")) == {}
    assert circles(file_graph(ROOT, "checks")) == {}


def test_the_entries_stay_few_and_loosely_tied() -> None:
    graph = entry_graph(ROOT, "supervisor")

    assert levels(graph) <= MAX_LEVELS
    assert sum(map(len, graph.values())) <= MAX_ARROWS


def test_a_package_holds_a_docstring_and_no_code() -> None:
    wrong = []
    for path in supervisor_files() + check_files():
        if path.name == "__init__.py" and path != ROOT / "supervisor" / "__init__.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if len(tree.body) != 1 or not ast.get_docstring(tree):
                wrong.append(name_of(path))

    assert wrong == []


def test_rules_values_and_the_ledger_do_without_trio() -> None:
    files = [path for path in supervisor_files() if entry_of(name_of(path)) in WITHOUT_TRIO]

    assert importers("trio", files) == []


def test_whoever_asks_the_running_supervisor_need_not_import_trio() -> None:
    client = ROOT / "supervisor" / "control" / "socket_client.py"
    used = imported_files(client, ROOT, "supervisor")

    assert used == {"supervisor.errors"}
    assert not imports(client, "trio")


def test_httpx_is_behind_one_file() -> None:
    assert importers("httpx", supervisor_files()) == ["supervisor.delivery.client"]
    assert importers("httpcore", supervisor_files()) == []


def test_dnspython_is_behind_one_check() -> None:
    inside = ("checks.dns", "checks._dns")

    for package in ("dns", "checks._dns"):
        found = importers(package, supervisor_files() + check_files())
        assert [name for name in found if not name.startswith(inside)] == []


def test_web_servers_are_behind_one_folder() -> None:
    wrong = [
        name
        for package in ("hypercorn", "starlette")
        for name in importers(package, supervisor_files())
        if entry_of(name) != "web"
    ]

    assert wrong == []


def test_nothing_but_its_script_imports_the_converter() -> None:
    assert {entry_of(name) for name in importers("supervisor.convert", supervisor_files())} == {
        "convert"
    }


def test_the_supervisor_never_imports_checks() -> None:
    assert importers("checks", supervisor_files()) == []


def test_a_check_imports_the_api_and_shared_folders_alone() -> None:
    wrong = [
        f"{name_of(path)} -> {name}"
        for path in check_files()
        for name in imported_names(path)
        if name.startswith("supervisor") and not f"{name}.".startswith("supervisor.api.")
    ]

    assert wrong == []


def test_no_check_imports_a_check() -> None:
    wrong = [
        f"{name_of(path)} -> {other}"
        for path in check_files()
        for other in imported_files(path, ROOT, "checks")
        if not entry_of(other).startswith("_")
    ]

    assert wrong == []


def test_the_shared_folders_of_checks_stand_in_one_order() -> None:
    height = {name: row for row, names in enumerate(CHECK_ORDER) for name in names}
    graph = {
        name: others for name, others in entry_graph(ROOT, "checks").items() if name.startswith("_")
    }

    assert set(graph) == set(height)
    assert [
        f"{name} -> {other}"
        for name, others in graph.items()
        for other in others
        if height[other] <= height[name]
    ] == []
