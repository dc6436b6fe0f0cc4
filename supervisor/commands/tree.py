"""Show the task tree of the running supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def render(tree: dict[str, Any], indent: str = "", branch: str = "") -> Iterator[str]:
    """Yield the tree as lines for people."""
    deadline = tree["deadline_seconds"]
    left = "" if deadline is None else f"  (for {max(0.0, deadline):.1f} s at most)"
    waits = f"  ← {tree['waits_on']}" if tree["waits_on"] else ""
    yield f"{indent}{branch}{tree['name']}{waits}{left}"
    below = indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    children = tree["children"]
    for child in children:
        last = child is children[-1]
        yield from render(child, below, "└─ " if last else "├─ ")
