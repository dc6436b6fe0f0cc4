"""Patterns of file names, as a shell has them: `*`, `?`, `[abc]` and `[!abc]`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import Any

from attrs import Attribute

SPECIAL = frozenset("*?[")
"""The characters that make a pattern of a name."""


def is_pattern(name: str) -> bool:
    """Return whether a name stands for several."""
    return not SPECIAL.isdisjoint(name)


def matcher(patterns: Iterable[str]) -> Callable[[str], object]:
    """Return a function that tells whether a name fits one of the patterns.

    Upper and lower case differ. It takes time linear in the name, whatever the pattern.
    """
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)").match


def are_names(_params: object, _: Attribute[Any], value: Iterable[str]) -> None:
    """Raises `ValueError` for a pattern that no name of a file can fit."""
    for pattern in value:
        if not pattern or "/" in pattern or "\0" in pattern:
            raise ValueError(
                f"{pattern!r} is not a pattern of file names; write for example '*.xml'"
            )
