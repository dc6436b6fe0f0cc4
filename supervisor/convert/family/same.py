"""Whether two values of TOML documents are the same, to the byte."""

from __future__ import annotations

import json
from typing import Any

from supervisor.config.layers.tree import Node, plain


def canonical(node: Node) -> str:
    """Return a text that only the same value has. The order of keys in a table means nothing."""
    return canonical_value(plain(node))


def canonical_value(value: Any) -> str:
    """Return a text that only the same TOML value has: 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, default=repr)
