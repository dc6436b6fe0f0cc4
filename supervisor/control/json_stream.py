"""JSON in pieces, so that other tasks can run while a document of thousands of parts is written.

A thread would not help: Python's encoder holds the interpreter's lock until it is done. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.text import clean

ITEMS_PER_PIECE = 100
"""Items of a list that are encoded at a time, in about a millisecond."""


def pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield a document as JSON in UTF-8. A document with short lists is one piece."""
    text, separator = "{", ""
    for key, value in document.items():
        text += f"{separator}{_encoded(key)}: "
        separator = ", "
        if isinstance(value, list) and len(value) > ITEMS_PER_PIECE:
            opening = "["
            for start in range(0, len(value), ITEMS_PER_PIECE):
                part = _encoded(value[start : start + ITEMS_PER_PIECE])[1:-1]
                yield f"{text}{opening}{part}".encode()
                text, opening = "", ", "
            text = "]"
        else:
            text += _encoded(value)
    yield (text + "}").encode()


def _encoded(value: object) -> str:
    """Return JSON whose text is clean, wherever it came from: a ledger may be older than a rule."""
    return clean(json.dumps(value, ensure_ascii=False))
