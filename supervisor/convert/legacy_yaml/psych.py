"""Reads scalars as Ruby's Psych 4 does (`Psych::ScalarScanner`, YAML 1.1 and its own rules)."""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import frozen

from supervisor.convert.legacy_yaml import psych_time
from supervisor.convert.legacy_yaml.fault import Unreadable
from supervisor.convert.legacy_yaml.psych_time import Date, Time


@frozen
class Symbol:
    """A Ruby symbol, such as `:pending`."""

    name: str
    """The symbol without its colon."""


Value: TypeAlias = bool | int | float | str | Symbol | Date | Time | None
"""What a scalar is in Ruby."""


_WORDS = re.compile(r"^[^\d.:-]?[^\W\d]", re.MULTILINE)
"""The beginning of a word: Psych looks no further for a number."""

_WORD_STARTS = re.compile(r"^[^\d.:-]?[\s!@#$%^&*(){}<>|/\\~;=]", re.MULTILINE | re.ASCII)
"""A character that no number or time begins with."""

_NOT_A_WORD = re.compile(r"^[^ytonf~]", re.MULTILINE | re.IGNORECASE)
"""A beginning that none of the constants has."""

_SYMBOL = re.compile(r"^:([\"'])(.*)\1")
"""A symbol in quotes."""

_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}")
"""An integer in base 60: 16:30 is 59400."""

_BASE_60_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}\.[0-9_]*")
"""A float in base 60: 1:30.5."""

_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?")
"""A float."""

_INTEGER = re.compile(
    r"[-+]?0b[01_,]+|[-+]?0[0-7_,]+|[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|[-+]?0x[0-9a-fA-F_,]+"
)
"""An integer in base 2, 8, 10 or 16, with commas or underscores."""

_LEADING_INTEGER = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*")
"""What Ruby's `to_i` reads of a text."""

_LEADING_FLOAT = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?")
"""What Ruby's `to_f` reads of a text."""

_RUBY_FLOAT = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][-+]?[0-9]+)?")
"""What Ruby's `Float()` reads."""

_CONSTANTS: dict[str, bool | None] = {
    "null": None,
    "yes": True,
    "true": True,
    "on": True,
    "no": False,
    "false": False,
    "off": False,
}
"""The words that Psych takes for a value, in the order in which it tries them."""

_FIRST_TOO_LARGE = 4000
"""The digits of an integer: Python refuses to read many more."""


def scalar(text: str) -> Value:
    """Return what a plain scalar is to the legacy agent; raises `Unreadable`."""
    if not text:
        return None
    if "\n" in text or _WORD_STARTS.search(text) or _WORDS.search(text):
        return _word(text)
    if psych_time.TIME.fullmatch(text):
        return psych_time.parse_time(text) or text
    if psych_time.DATE.fullmatch(text):
        return psych_time.parse_date(text) or text
    if text.lower() in (".inf", "+.inf"):
        return float("inf")
    if text.lower() == "-.inf":
        return float("-inf")
    if text.lower() == ".nan":
        return float("nan")
    if text.startswith(":") and len(text) > 1:
        quoted = _SYMBOL.match(text)
        return Symbol(quoted[2].removeprefix(":") if quoted else text[1:])
    return _number(text)


def to_float(value: Value) -> float:
    """Return what Ruby's `Float()` makes of a value, for the tag `!!float`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if isinstance(value, str) and _RUBY_FLOAT.fullmatch(value):
        return float(value)
    raise Unreadable("is tagged as a float and is not a number")


def _word(text: str) -> Value:
    if len(text) > 5 or _NOT_A_WORD.search(text):
        return text
    if text == "~":
        return None
    # Ruby's patterns match single lines here and fold the case of all of Unicode.
    lines = [line.casefold() for line in text.split("\n")]
    for constant in _CONSTANTS:
        if constant in lines:
            return _CONSTANTS[constant]
    return text


def _number(text: str) -> Value:
    if _BASE_60.fullmatch(text):
        parts = [_leading_integer(part) for part in text.split(":")]
        return sum(part * int(60 ** abs(place - 2)) for place, part in enumerate(parts))
    if _BASE_60_FLOAT.fullmatch(text):
        numbers = [float(_leading(_LEADING_FLOAT, part)) for part in text.split(":")]
        total = 0.0
        for place, number in enumerate(numbers):
            total += number * 60 ** abs(place - 2)
        return total
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _INTEGER.fullmatch(text):
        return _integer(text)
    return text


def _float(text: str) -> float | str:
    if text in (".", "+.", "-."):
        return text
    digits = re.sub(r"\.([Ee]|$)", r"\1", re.sub("[,_]", "", text))
    try:
        return float(digits)
    except ValueError:
        raise Unreadable("looks like a number and is not a number") from None


def _integer(text: str) -> int:
    digits = re.sub("[,_]", "", text)
    sign = -1 if digits.startswith("-") else 1
    bare = digits.lstrip("+-")
    base = {"0b": 2, "0x": 16}.get(bare[:2], 8 if bare.startswith("0") else 10)
    try:
        return sign * _bounded(bare[2:] if base in (2, 16) else bare, base)
    except ValueError:
        raise Unreadable("looks like a number and is not a number") from None


def _leading_integer(text: str) -> int:
    return _bounded(_leading(_LEADING_INTEGER, text), 10)


def _bounded(digits: str, base: int) -> int:
    if len(digits) > _FIRST_TOO_LARGE:
        raise Unreadable("is a number of thousands of digits")
    return int(digits, base)


def _leading(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else "0"
