"""Prints figures of the layout: entries, levels and import arrows of `supervisor` and `checks`.

python scripts/layout.py [ROOT]: ROOT is the directory of a project; the default is this project.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.imports import (
    circles,
    entry_graph,
    file_graph,
    files_in,
    largest_folder,
    levels,
)

HERE = Path(__file__).resolve().parent.parent
"""The directory of this project."""


def main(root: Path) -> None:
    for package in ("supervisor", "checks"):
        graph = entry_graph(root, package)
        arrows = sum(map(len, graph.values()))
        knots = circles(graph)
        most, folder = largest_folder(root / package)
        longest = max(files_in(root / package), key=_lines)
        print(f"{package}/: {len(graph)} entries, {arrows} arrows between them, ", end="")
        print(f"{levels(graph)} levels" if not knots else f"circles: {', '.join(sorted(knots))}")
        print(f"  import circles of files: {len(circles(file_graph(root, package)))}")
        print(f"  fullest folder: {most} files in {folder.relative_to(root)}")
        print(f"  longest file: {_lines(longest)} lines in {longest.relative_to(root)}")


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE)
