"""The command `tree`: show the tasks of the running supervisor."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from supervisor.commands.options import add_state_dir, ask_supervisor

EXAMPLES = (("tree --service Shop", "each task, and what it waits on"),)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    1: "the supervisor does not run",
    2: "the command line is wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the tree: each task, what it waits on, and its deadline."""
    for tree in ask_supervisor(options, {"ask": "tree"}):
        lines = [json.dumps(tree, indent=2)] if options.json else render(tree)
        print(*lines, sep="\n")
    return 0


def render(tree: dict[str, Any], indent: str = "", branch: str = "") -> Iterator[str]:
    """Yield the tree as lines for people."""
    deadline = tree["deadline_seconds"]
    left = "" if deadline is None else f"  (for at most {max(0.0, deadline):.1f} s)"
    waits = f"  ← {tree['waits_on']}" if tree["waits_on"] else ""
    yield f"{indent}{branch}{tree['name']}{waits}{left}"
    below = indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    children = tree["children"]
    for child in children:
        last = child is children[-1]
        yield from render(child, below, "└─ " if last else "├─ ")
