"""Turns the bytes of a legacy file into text, whatever its editor saved."""

from __future__ import annotations

import codecs
import re

from attrs import frozen

from supervisor.convert.legacy_yaml.fault import Fault

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_FORBIDDEN = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML 1.1 has no place for, and its line breaks that editors do not show as such."""


@frozen
class Text:
    """What a file says, and the encoding that it was read in."""

    text: str
    encoding: str


def decode(raw: bytes) -> Text:
    """Return the text; raises `Fault` with the line of what is none.

    Without a byte order mark it is UTF-8, else CP949, which EUC-KR is a part of.
    """
    for mark, codec, name in _MARKS:
        if raw.startswith(mark):
            return _checked(_decoded(raw[len(mark) :], codec, name))
    try:
        return _checked(Text(raw.decode(), "UTF-8"))
    except UnicodeDecodeError as error:
        line = _line(raw, error.start)
    try:
        return _checked(Text(raw.decode("cp949"), "CP949"))
    except UnicodeDecodeError:
        raise Fault(line, "is neither UTF-8 nor CP949 (EUC-KR)", "save it as UTF-8") from None


def _decoded(raw: bytes, codec: str, name: str) -> Text:
    try:
        return Text(raw.decode(codec), name)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].decode(codec, "replace").count("\n") + 1
        raise Fault(line, f"is not {name}, as its first bytes say", "save it as UTF-8") from None


def _checked(decoded: Text) -> Text:
    if found := _FORBIDDEN.search(decoded.text):
        line = decoded.text.count("\n", 0, found.start()) + 1
        wrong = f"has the unprintable character U+{ord(found[0]):04X}"
        raise Fault(line, wrong, "remove it, and save the file as UTF-8")
    return decoded


def _line(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1
