"""JSON in pieces, so that a document of thousands of parts holds up nobody while it is written.

Not in a thread: Python's encoder keeps the interpreter to itself until all is done. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SLICE = 100
"""So many parts of a list are encoded at a time, in about a millisecond."""


def pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield a document as JSON, in UTF-8; one whose lists are short is one piece."""
    text, separator = "{", ""
    for key, value in document.items():
        text += f"{separator}{_encoded(key)}: "
        separator = ", "
        if isinstance(value, list) and len(value) > SLICE:
            opening = "["
            for start in range(0, len(value), SLICE):
                part = _encoded(value[start : start + SLICE])[1:-1]
                yield f"{text}{opening}{part}".encode(errors="replace")
                text, opening = "", ", "
            text = "]"
        else:
            text += _encoded(value)
    yield (text + "}").encode(errors="replace")


def _encoded(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
