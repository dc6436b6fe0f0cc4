# ruff: noqa: RUF001 -- the characters that look like those of TOML are what this file is about
"""Explains text that is not TOML: the line of the slip, what is wrong there, what to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeAlias

from supervisor.config.explain.headers import explain_headers
from supervisor.config.explain.unquoted import explain_value

Explanation: TypeAlias = tuple[int, str, str]
"""Line, what is wrong, what would be right."""

OTHERWISE = "see https://toml.io for how it is written"
"""The remedy for a slip that is not known here."""

_PLACE = re.compile(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")
"""The message of tomllib: what it has expected, and where."""

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')
"""What may hold any character: text in quotes, and comments."""

_TYPOGRAPHIC = {
    **dict.fromkeys("“”„‟«»″＂", 'the plain quote "'),
    **dict.fromkeys("‘’‚‛′＇", "the plain quote '"),
    "＝": "the plain sign =",
    "，": "the plain comma ,",
    "：": "the plain sign =",
    "［": "the plain bracket [",
    "］": "the plain bracket ]",
    "–": "the plain sign -",
    "—": "the plain sign -",
    "\u00a0": "a plain space",
    "\u3000": "a plain space",
    "\u200b": "",
    "\ufeff": "",
}
"""Characters that word processors and input methods write, and those that TOML reads."""


def explain(text: str, message: str) -> Explanation:
    """Return where and what the slip is. The remedy never repeats what may be a secret."""
    lines = text.split("\n")
    said, number, column = _place(message, lines)
    for rule in _RULES:
        if found := rule(lines, number, said):
            line, wrong, remedy = found
            return line, f"is not TOML: {wrong}", remedy
    at = f"column {column}: " if column else ""
    return number, f"{at}is not TOML: {said}", OTHERWISE


def _place(message: str, lines: Sequence[str]) -> tuple[str, int, int]:
    """Return tomllib's words, the line and the column; column 0 is the end of the document."""
    match = _PLACE.fullmatch(message)
    last = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
    if match is None or match[2] is None:
        return (match[1] if match else message), last, 0
    number, column = int(match[2]), int(match[3])
    return match[1], min(number, last), column if number <= last else 0


def _typographic(lines: Sequence[str], number: int, _said: str) -> Explanation | None:
    """Name a character that looks like one of TOML's."""
    rest = _STRINGS.sub("", lines[number - 1])
    for character in rest:
        if (right := _TYPOGRAPHIC.get(character)) is not None:
            code = f"U+{ord(character):04X}, {unicodedata.name(character, 'invisible').lower()}"
            shown = f"{character} ({code})" if character.isprintable() else f"({code})"
            noun = "quote" if "quote" in right else "character"
            remedy = f"write {right}" if right else "delete it"
            return number, f"has the typographic {noun} {shown}", remedy
    return None


def _backslash(lines: Sequence[str], number: int, said: str) -> Explanation | None:
    if "Unescaped '\\'" not in said and "hex value" not in said and "escape" not in said.lower():
        return None
    wrong = "has a backslash in double quotes, where it begins an escape such as \\n"
    remedy = "write the text in single quotes, where a backslash is plain"
    key, _, value = lines[number - 1].partition("=")
    # A pattern is not a secret. Other texts may be, so that they are not repeated.
    shown = re.search(r'"([^"]*)"', value) if "'" not in value else None
    is_pattern = key.strip() in ("pattern", "exclude", "match")
    example = shown[1] if shown is not None and is_pattern else "\\d"
    return number, wrong, f"{remedy}: '{example}'"


def _open_list(lines: Sequence[str], number: int, _said: str) -> Explanation | None:
    """Point at the line where a list or an inline table begins that does not end."""
    for line in range(number, 0, -1):
        code = _STRINGS.sub("", lines[line - 1])
        if code.count("{") > code.count("}"):
            wrong = "begins a table in braces that does not end in its line"
            return line, wrong, "write { … } in one line, or each item as [[…]]"
        if line < number and code.lstrip().startswith("["):
            break
    if line := _unclosed(lines, number, "[", "]"):
        how = "write ] at its end, and a comma between its items"
        return line, "begins a list that does not end", how
    return None


def _unclosed(lines: Sequence[str], number: int, opening: str, closing: str) -> int:
    """Return the line at or above `number` that opens more than is closed after it, or 0."""
    depth = 0
    for line in range(number, 0, -1):
        code = _STRINGS.sub("", lines[line - 1])
        key, sign, value = code.partition("=")
        if not sign and re.match(r"\s*\[\[?[^\]]*\]\]?\s*$", code) and line < number:
            return 0
        depth += (value if sign else key).count(closing) - (value if sign else key).count(opening)
        if sign and depth < 0:
            return line
        if sign and line < number:
            return 0
        if sign:
            depth = 0
    return 0


def _open_text(lines: Sequence[str], number: int, said: str) -> Explanation | None:
    """Point at the line where a text begins that does not end."""
    for quotes in ('"""', "'''"):
        begins = [n for n, line in enumerate(lines[:number], 1) if line.count(quotes) % 2]
        if len(begins) % 2:
            wrong = f"begins a text in {quotes} that does not end"
            return begins[-1], wrong, f"write {quotes} at its end"
    if '"\'"' in said:  # text in single quotes is searched for up to the end of the document
        for line, code in enumerate(lines, 1):
            if re.search(r"=[^\"#']*'[^']*$", code):
                return line, "has a text whose quote does not end", "write ' at the end of the text"
    if "Illegal character '\\n'" in said or "Unterminated string" in said or "'\\r'" in said:
        quote = "'" if re.search(r"=\s*\[?\s*'", lines[number - 1]) else '"'
        return (
            number,
            "has a text whose quote does not end",
            f"write {quote} at the end of the text",
        )
    return None


def _other_language(lines: Sequence[str], number: int, _said: str) -> Explanation | None:
    """Say what to write in place of YAML, of comments of other kinds, and of a missing `=`."""
    line = lines[number - 1].strip()
    if re.match(r"//|;|--|/\*|%", line):
        return number, "is a comment of another language", "write # before a comment"
    if re.match(r"-\s+\S", line):
        return (
            number,
            "is a list item of YAML",
            'write the list as key = ["…", "…"], or [[modules]]',
        )
    if match := re.match(r"([A-Za-z0-9_-]+)\s*:(?:\s|$)", line):
        key = match[1]
        if key == "modules":
            return number, "is YAML, not TOML", "write [[modules]] for each module"
        if line.endswith(":"):
            return number, "is YAML, not TOML", f"write [{key}], or [[{key}]] for an item of a list"
        return number, "has : after the key, as YAML has", f"write {key} = …"
    if re.match(r"[A-Za-z0-9_-]+\s*:=", line):
        return number, "has := after the key", "write = alone"
    if match := re.match(r"([A-Za-z0-9_-]+)(?:\s+[^=]*)?$", line):
        return number, "has no = after the key", f"write {match[1]} = …"
    return None


_Rule: TypeAlias = Callable[[Sequence[str], int, str], Explanation | None]

_RULES: tuple[_Rule, ...] = (
    explain_headers,
    _typographic,
    _backslash,
    _open_text,
    explain_value,
    _open_list,
    _other_language,
)
"""The slips that are known, in the order in which they are looked for."""
