"""The imports of the project, read from its files: which entry of a folder uses which other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
"""For each entry of a folder, the other entries of that folder that it imports."""


def files_in(package: Path) -> list[Path]:
    """Return the Python files of a package, at any depth, in order."""
    return sorted(package.rglob("*.py"))


@cache
def imported_names(path: Path) -> tuple[str, ...]:
    """Return the dotted names that a file imports, also inside functions."""
    return tuple(_imported_names(path))


def _imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(path: Path, root: Path) -> str:
    """Return the dotted name of a file: `supervisor.config.load`; of a package its own."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported_files(path: Path, root: Path, package: str) -> set[str]:
    """Return the dotted names of the files of one package that a file imports."""
    known = _files_of(root, package)
    found = set()
    for name in imported_names(path):
        parts = name.split(".")
        inward = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        if parts[0] == package:
            found.add(next(each for each in inward if each in known))
    return found - {dotted(path, root)}


@cache
def _files_of(root: Path, package: str) -> frozenset[str]:
    return frozenset(dotted(file, root) for file in files_in(root / package))


def entry_of(name: str) -> str:
    """Return the entry of the package to which a dotted name belongs, "" for the package."""
    return name.partition(".")[2].partition(".")[0]


def entry_graph(root: Path, package: str) -> Graph:
    """Return what each file or folder directly inside a package imports of the others."""
    graph: dict[str, set[str]] = {}
    for path in files_in(root / package):
        entry = entry_of(dotted(path, root))
        found = {entry_of(name) for name in imported_files(path, root, package)}
        if entry:
            graph.setdefault(entry, set()).update(found - {entry, ""})
    return {entry: frozenset(others) for entry, others in graph.items()}


def file_graph(root: Path, package: str) -> Graph:
    """Return what each file of a package imports of its other files."""
    return {
        dotted(path, root): frozenset(imported_files(path, root, package))
        for path in files_in(root / package)
    }


def circles(graph: Graph) -> Graph:
    """Return what is left of a graph once all that leads to no circle is taken away."""
    rest = dict(graph)
    while leaves := {name for name, others in rest.items() if not others & rest.keys()}:
        rest = {name: others for name, others in rest.items() if name not in leaves}
    return rest


def levels(graph: Graph) -> int:
    """Return on how many levels the entries of a graph without circles stand."""
    height: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in height:
            height[name] = 1 + max((of(other) for other in graph[name]), default=0)
        return height[name]

    return max(map(of, graph), default=0)


def largest_folder(package: Path) -> tuple[int, Path]:
    """Return how many Python files the fullest folder holds (`__init__.py` apart), and which."""
    return max(
        (sum(path.name != "__init__.py" for path in folder.glob("*.py")), folder)
        for folder in [package, *(each for each in package.rglob("*") if each.is_dir())]
    )
