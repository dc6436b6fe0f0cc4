"""Texts of others, such as names of files and processes, made fit to be shown."""

from __future__ import annotations

import unicodedata

UNDECODABLE = range(0xDC80, 0xDD00)
"""The characters that os.fsdecode makes of bytes 0x80 to 0xFF that are not UTF-8."""

NOT_TEXT = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""The categories of Unicode of characters that are not shown."""


def is_text(name: str) -> bool:
    """Return whether a name has no control characters or line ends. Any letter or space is fine."""
    return not any(unicodedata.category(char) in NOT_TEXT for char in name)


def shown(name: str, longest: int = 255) -> str:
    """Return a name with control, invisible and undecodable characters written as escapes.

    A name that is too long loses its middle, since its ends tell most.
    """
    text = "".join(char if char.isprintable() else _escaped(char) for char in name)
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 2
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def _escaped(char: str) -> str:
    if ord(char) in UNDECODABLE:
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
