"""Values that lack their quotes, or that TOML writes in another way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from supervisor.config.problems import SECRETIVE

_PAIR = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=\s*(.*?)\s*$")
"""A key with its value."""

_COMMENT = re.compile(r"\s+#.*$|^#.*$")

_INNER = re.compile(r"[{,]\s*([A-Za-z0-9_-]+)\s*=\s*([^,{}\[\]]+)")
"""A key with its value in an inline table."""

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
"""Text in quotes."""

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y"), "true"),
    **dict.fromkeys(("false", "no", "off", "n"), "false"),
}
"""How other languages write the two booleans."""

_FORMS = (
    (r"[0-9]+(?:\.[0-9]+)?(?:ms|s|sec|m|min|h|d)(?:[0-9]+(?:s|m|h))*", "a duration", '"{0}"'),
    (r"[0-9]{1,2}:[0-9]{2}(?:-[0-9]{1,2}:[0-9]{2})?", "a time of the day", '"{0}"'),
    (r"[0-9]+(?:\.[0-9]+)?[kKMGT]i?[bB]?", "a size", '"{0}"'),
    (r"/[A-Za-z0-9_./*-]*", "a path", '"{0}"'),
    (r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?", "an address", '"{0}"'),
)
"""Text that people write without quotes, and that may be repeated."""


def explain_value(lines: Sequence[str], number: int, _said: str) -> tuple[int, str, str] | None:
    """Return line, fault and remedy of a value that TOML does not read."""
    match = _PAIR.match(lines[number - 1])
    if match is None or lines[number - 1].lstrip().startswith("{"):
        return _in_braces(lines, number)
    key, value = match[1], _COMMENT.sub("", match[2]).strip()
    if found := _fault(key, value):
        return (number, *found)
    return _in_braces(lines, number)


def _in_braces(lines: Sequence[str], number: int) -> tuple[int, str, str] | None:
    """Explain a value in an inline table."""
    code = _STRINGS.sub('""', lines[number - 1])
    for key, value in _INNER.findall(code):
        if found := _fault(key, value.strip()):
            return (number, *found)
    return None


def _fault(key: str, value: str) -> tuple[str, str] | None:
    if not value:
        return "has no value after =", f'write a value, text in quotes: {key} = "…"'
    if value.lower() in ("null", "none", "nil", "~"):
        return "has a value that TOML does not have", f"leave {key} out"
    if value not in ("true", "false") and (right := _BOOLEANS.get(value.lower())):
        return f"has a boolean that is not TOML's: {value}", f"write {key} = {right}"
    may_show = not SECRETIVE.search(key.strip("\"'"))
    if found := _number(key, value):
        return found if may_show else (found[0], f'write it in quotes: {key} = "…"')
    if end := re.fullmatch(r"(?:[0-9.]+|true|false|\".*\"|'.*'|\[.*\])\s*([;,])", value):
        return f"has {end[1]} after the value", f"remove the {end[1]}"
    if re.search(r"""["'\]}0-9a-z]\s+[A-Za-z0-9_-]+\s*=""", _STRINGS.sub('""', value)):
        return "has a second key in the line", "write each key in a line of its own"
    if re.search(r"""["'\]}]\s+["'\[{]""", _STRINGS.sub('""', value)):
        return "has no comma between two items of a list", "write a comma between them"
    return _without_quotes(key, value, may_show=may_show)


def _number(key: str, value: str) -> tuple[str, str] | None:
    if number := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", value):
        return "has a % after the number", f"write {key} = {number[1]}"
    if number := re.fullmatch(r"0+([0-9]+)", value):
        return "has a number that begins with 0", f'write {key} = {number[1]}, or "{value}" as text'
    if number := re.fullmatch(r"([0-9]+),([0-9]+)", value):
        return "has a comma in the number", f"write {key} = {number[1]}.{number[2]}"
    return None


def _without_quotes(key: str, value: str, *, may_show: bool) -> tuple[str, str] | None:
    for form, noun, right in _FORMS:
        wrap = "[{0}]" if key == "at" else "{0}"
        if re.fullmatch(form, value):
            shown = wrap.format(right.format(value)) if may_show else '"…"'
            return f"has {noun} without quotes", f"write {key} = {shown}"
        inner = rf"\[\s*{form}(?:\s*,\s*{form})*\s*,?\s*\]"
        if re.fullmatch(inner, value):
            items = ", ".join(right.format(each.strip()) for each in value.strip("[] ,").split(","))
            shown = items if may_show else '"…"'
            return f"has {noun} without quotes", f"write {key} = [{shown}]"
    if re.match(r"[A-Za-z_*^$/\\<>|.~!&]", value) and not re.match(
        r"(?:true|false|inf|nan)\b", value
    ):
        return "has text without quotes", f'write the text in quotes: {key} = "…"'
    return None
