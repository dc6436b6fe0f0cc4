"""Turns the bytes of a legacy file into text, whatever its editor saved."""

from __future__ import annotations

import codecs
import re

from attrs import frozen

from supervisor.convert.legacy_yaml.fault import Fault

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
"""The first bytes of a file, the codec that they announce, and its name for people."""

_FORBIDDEN = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""The characters that YAML 1.1 forbids, and the line breaks that editors do not show as such."""


@frozen
class DecodedText:
    """A file that was read."""

    text: str
    """What it says, without a byte order mark."""

    encoding: str
    """The encoding that it was read in, for people."""


def decode(raw: bytes) -> DecodedText:
    """Return the text; raises `Fault` with the line of what cannot be read.

    Without a byte order mark it is UTF-8, else CP949, which EUC-KR is a part of.
    """
    for mark, codec, name in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _checked(_decoded(raw[len(mark) :], codec, name))
    try:
        return _checked(DecodedText(raw.decode(), "UTF-8"))
    except UnicodeDecodeError as error:
        line = _line(raw, error.start)
    try:
        return _checked(DecodedText(raw.decode("cp949"), "CP949"))
    except UnicodeDecodeError:
        raise Fault(line, "is neither UTF-8 nor CP949 (EUC-KR)", "save it as UTF-8") from None


def _decoded(raw: bytes, codec: str, name: str) -> DecodedText:
    try:
        return DecodedText(raw.decode(codec), name)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].decode(codec, "replace").count("\n") + 1
        raise Fault(line, f"is not {name}, as its first bytes say", "save it as UTF-8") from None


def _checked(decoded: DecodedText) -> DecodedText:
    if found := _FORBIDDEN.search(decoded.text):
        line = decoded.text.count("\n", 0, found.start()) + 1
        wrong = f"has the unprintable character U+{ord(found[0]):04X}"
        raise Fault(line, wrong, "remove it, and save the file as UTF-8")
    return decoded


def _line(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1
