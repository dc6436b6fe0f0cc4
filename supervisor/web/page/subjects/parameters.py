"""The parameters of a module as text, without anything that may be a secret. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import NOTHING, Attribute, Factory, fields, frozen, has

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.limits.limit import Limit
from supervisor.config.schema_text import key_name
from supervisor.config.secret import Secret
from supervisor.text import MASK, without_secrets

MAX_CHARACTERS = 2000
"""Characters of one value."""

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|pwd|secret|token|api[-_]?key|authorization|cookie|credential|community",
    re.IGNORECASE,
)
"""Names whose values are masked."""

_SECRET_OPTION = re.compile(r"-p|-a|--?\w*(pass(word|wd|phrase)?|pwd|secret|token|key|auth\w*)")
"""Options of a program whose value, the next argument, is masked unless it is a number."""


@frozen
class Parameter:
    """One parameter."""

    name: str
    text: str


def parameters(params: object) -> list[Parameter]:
    """Return the parameters that are set. A list has one line for each item."""
    if not has(type(params)):
        return []
    return [
        Parameter(name, shortened_lines(_lines(name, value)))
        for name, value in _set_values(params, everything=True)
    ]


def shortened_lines(text: str) -> str:
    """Return a text that fits on the page."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def _lines(name: str, value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if name in ("argv", "command"):
            return _array(_masked_arguments(value))
        return "\n".join(_text(name, item) for item in value)
    return _text(name, value)


def _set_values(params: object, *, everything: bool) -> Iterator[tuple[str, object]]:
    """Yield names and values. Without `everything` leave out the defaults."""
    items: tuple[Attribute[Any], ...] = fields(type(params))  # type: ignore[arg-type]  # `has` it
    for item in items:
        value = getattr(params, item.name)
        if value is None or (isinstance(value, Sequence | Mapping) and not value):
            continue
        if everything or value != _default(item, params):
            yield key_name(item), value


def _default(item: Attribute[Any], params: object) -> object:
    default: Any = item.default
    if isinstance(default, Factory):  # type: ignore[arg-type]  # a class, typed as a function
        return default.factory(params) if default.takes_self else default.factory()
    return None if default is NOTHING else default


def _text(name: str, value: object) -> str:
    if isinstance(value, Secret):
        return f"{MASK} ({value.kind} {value.name})"
    if _SECRET_NAME.search(name) and not isinstance(value, bool):
        return MASK
    if isinstance(value, Limit):
        value = value.value
    if isinstance(value, Calendar):
        value = value.path
    if isinstance(value, str):
        return _string(_json(value) if name.endswith("json") else value)
    if isinstance(value, Mapping):
        return _table((key, MASK if name == "env" else value[key]) for key in value)
    if has(type(value)):
        return _table(_set_values(value, everything=False))
    if isinstance(value, Sequence):
        return _array([_text("", item) for item in value])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return _string(str(value) if isinstance(value, Path) else repr(value))


def _table(pairs: Iterator[tuple[str, object]]) -> str:
    return f"{{ {', '.join(f'{name} = {_text(str(name), value)}' for name, value in pairs)} }}"


def _array(texts: Sequence[str]) -> str:
    return f"[{', '.join(texts)}]"


def _string(text: str) -> str:
    if text == MASK:
        return text
    return json.dumps(without_secrets(text), ensure_ascii=False)


def _json(text: str) -> str:
    """Return JSON text with its secrets masked."""
    try:
        return json.dumps(_masked(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return MASK


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_NAME.search(key) else _masked(item) for key, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _masked_arguments(argv: Sequence[object]) -> list[str]:
    shown, option = [], ""
    for argument in map(str, argv):
        hides = _SECRET_OPTION.fullmatch(option) and not argument.isdecimal()
        shown.append(MASK if hides else _string(argument))
        option = argument
    return shown
