"""Slips in `[table]` and `[[list]]` lines, and keys that are given twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*(\]\]?)\s*(?:#.*)?$")
"""A line that begins a table."""

_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
"""A line that begins with a key."""

_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")
"""How tomllib begins its message on what is there twice."""


def explain_headers(lines: Sequence[str], number: int, said: str) -> tuple[int, str, str] | None:
    """Return line, fault and remedy of a wrong header, or of something that is there twice."""
    if found := _brackets(lines, number):
        return found
    if not said.startswith(_TWICE):
        return None
    return _one_bracket(lines) or _twice(lines, number) or _same_key(lines, number)


def _brackets(lines: Sequence[str], number: int) -> tuple[int, str, str] | None:
    """Explain a header whose brackets do not match."""
    line = lines[number - 1]
    match = _HEADER.match(line)
    if match and len(match[1]) != len(match[3]):
        return number, "has not as many ] as [", f"write [[{match[2]}]] or [{match[2]}]"
    if match is None and (
        open_one := re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*(?:#.*)?$", line)
    ):
        closing = "]" * len(open_one[1])
        return number, f"has no {closing} at its end", f"write {open_one[1]}{open_one[2]}{closing}"
    return None


def _headers(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return line, brackets and name of each header."""
    found = []
    for number, line in enumerate(lines, 1):
        if match := _HEADER.match(line):
            found.append((number, match[1], re.sub(r"\s*\.\s*", ".", match[2])))
    return found


def _one_bracket(lines: Sequence[str]) -> tuple[int, str, str] | None:
    """Explain `[modules]` among `[[modules]]`, or more than one `[modules]`."""
    headers = _headers(lines)
    lists = {name: number for number, brackets, name in reversed(headers) if brackets == "[["}
    singles = [(number, name) for number, brackets, name in headers if brackets == "["]
    for number, name in singles:
        if name.startswith("modules.") and lists.get("modules", 0) > number:
            wrong = f"[{name}] stands above the first [[modules]]"
            return number, wrong, "begin the module with [[modules]] above it"
        remedy = f"write [[{name}]] with two brackets"
        if name in lists:
            wrong = (
                f"[{name}] is one table, but line {lists[name]} has [[{name}]], an item of a list"
            )
            return number, wrong, remedy
        if name == "modules" and sum(other == name for _, other in singles) > 1:
            return number, f"[{name}] is there more than once", remedy
    return None


def _twice(lines: Sequence[str], number: int) -> tuple[int, str, str] | None:
    """Explain a table that is there twice."""
    same = _HEADER.match(lines[number - 1])
    if same is None:
        return None
    name = re.sub(r"\s*\.\s*", ".", same[2])
    before = [line for line, _, other in _headers(lines) if other == name and line < number]
    if not before:
        return _list_and_header(lines, number, name)
    wrong = f"[{name}] is there twice, first in line {before[-1]}"
    if name == "modules.params":
        return (
            number,
            f"{wrong}, in one module",
            "put its keys together, or begin a module with [[modules]]",
        )
    if name.startswith("modules.params."):
        return number, wrong, f"write [[{name}]] for each item of a list, or put the keys together"
    return number, wrong, "put its keys together under one of them"


def _list_and_header(lines: Sequence[str], number: int, name: str) -> tuple[int, str, str] | None:
    """Explain `[[modules.params.servers]]` after `servers = [ … ]`."""
    key = name.rpartition(".")[2]
    for line in range(number - 1, 0, -1):
        match = _KEY.match(lines[line - 1])
        if match and match[1] == key:
            wrong = f"[[{name}]] adds to {key}, which line {line} gives as a whole"
            return number, wrong, f"write all of {key} there, or each item as [[{name}]]"
    return None


def _same_key(lines: Sequence[str], number: int) -> tuple[int, str, str] | None:
    """Explain a key that is given twice in one table."""
    match = _KEY.match(lines[number - 1])
    if match is None:
        return None
    for line in range(number - 1, 0, -1):
        if _HEADER.match(lines[line - 1]):
            break
        other = _KEY.match(lines[line - 1])
        if other and other[1] == match[1]:
            return number, f"{match[1]} is given twice, first in line {line}", "keep one of them"
    return None
