"""Label matchers as Alertmanager reads them: `event_type=~"W|E"`, and the older `match` maps. Pure.

Follows `pkg/labels` of Alertmanager. A label that is missing counts as empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias, cast

from attrs import field, frozen

from supervisor.errors import SupervisorError

Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]
"""How a matcher compares."""

_MATCHER = re.compile(r'\s*("(?:\\.|[^"\\])+"|[^\s{}!=~,\\"\'`]+)\s*(=~|=|!=|!~)\s*(.*?)\s*', re.S)
"""The name, operator and value of a matcher. Since 0.27 a name may have any characters.

`GET /api/v2/status` shows most of them without quotes, even if the file has quotes.
"""

_POSIX_CLASSES = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:space:]": r"\t\n\v\f\r ",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}
"""The classes of Go's regular expressions that Python does not know."""

_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
"""What an escape in a value stands for."""


class MatcherUnreadable(SupervisorError):
    """This is not a matcher, or its regular expression cannot be judged here."""


@frozen
class Matcher:
    """One condition on one label. A regular expression must match the whole value."""

    name: str
    operator: Operator
    value: str
    _pattern: re.Pattern[str] | None = field(init=False, eq=False, repr=False)

    @_pattern.default
    def _compiled(self) -> re.Pattern[str] | None:
        return _compile(self.value) if self.operator in ("=~", "!~") else None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether a set of labels meets the condition."""
        value = labels.get(self.name, "")
        if self._pattern is None:
            return (value == self.value) is (self.operator == "=")
        return (self._pattern.fullmatch(value) is not None) is (self.operator == "=~")


def parse(text: str) -> tuple[Matcher, ...]:
    """Return the matchers of a line, which commas separate. Raises `MatcherUnreadable`."""
    return tuple(_matcher(part) for part in _parts(text.removeprefix("{").removesuffix("}")))


def _parts(text: str) -> Iterator[str]:
    """Yield the texts between the commas that are not in quotes."""
    part, quoted, escaped = "", False, False
    for character in text:
        if character == "," and not quoted:
            yield part
            part = ""
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        part += character
    if part.strip():
        yield part


def _matcher(text: str) -> Matcher:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise MatcherUnreadable(f"cannot read the matcher {text!r}: it is not NAME=VALUE")
    name, operator, value = found.groups()
    return Matcher(_unquoted(name, text), cast("Operator", operator), _unquoted(value, text))


def _unquoted(value: str, matcher: str) -> str:
    """Return a value without its quotes and escapes. Other backslashes stay."""
    quoted = value.startswith('"')
    inner = value[1:-1] if quoted else value
    if (quoted and (len(value) < 2 or value[-1] != '"')) or _has_bare_quote(inner):
        raise MatcherUnreadable(f"cannot read the matcher {matcher!r}: a quote is missing")
    return re.sub(r'\\([n"\\])', lambda escape: _ESCAPES[escape[1]], inner)


def _has_bare_quote(text: str) -> bool:
    return '"' in re.sub(r"\\.", "", text, flags=re.S)


def _compile(pattern: str) -> re.Pattern[str]:
    """Return Go's regular expression as Python's. Raises `MatcherUnreadable`."""
    translated = pattern.replace(r"\z", r"\Z")
    for name, characters in _POSIX_CLASSES.items():
        translated = translated.replace(name, characters)
    try:
        # In Go \d, \w, \s and \b know ASCII alone.
        return re.compile(translated, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        compiled = _compile_with_re2(pattern)
        if compiled is None:
            raise MatcherUnreadable(
                f"cannot judge the regular expression {pattern!r}: {error}"
            ) from error
        return compiled


def _compile_with_re2(pattern: str) -> re.Pattern[str] | None:
    """Return an expression that Python's `re` does not know, such as `\\pL`, if it is valid."""
    try:
        import re2  # few need it, and not every Python has it
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return cast("re.Pattern[str]", re2.compile(pattern, options))
    except re2.error:
        return None
