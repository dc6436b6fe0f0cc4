"""The answer of a web server, and what is wrong with it. Used by `http` and `alertmanager`."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from attrs import frozen

from checks._common.patterns import compiled
from checks._common.printable import shown
from checks._http.target import Target, status_ranges
from supervisor.api import Json

_SLOW = ("idna", "punycode")
"""Codecs that are not used, since their time grows with the square of the length."""

_POSITION = re.compile("0|[1-9][0-9]{0,8}")
"""A position in a list, RFC 6901, 4."""


@frozen
class HttpAnswer:
    """What a target answered."""

    status: int
    body: bytes
    """The beginning of the body, as it was sent."""

    seconds: float
    """How long the answer took: the whole of it, or its head where its end was not awaited."""

    certificates: tuple[bytes, ...] = ()
    """The server's certificate and those that sign it, in DER. Empty without TLS."""

    charset: str = ""
    """The charset that it names, such as "euc-kr"."""

    encoding: str = ""
    """The compression that it names, such as "gzip"."""

    @property
    def text(self) -> bytes:
        """The body in UTF-8 without a byte order mark. What its charset cannot be is replaced."""
        try:
            charset = codecs.lookup(self.charset or "utf-8").name
            decoded = self.body.decode("utf-8" if charset in _SLOW else charset, "replace")
        except (LookupError, ValueError):  # the server may name anything
            decoded = self.body.decode(errors="replace")
        return decoded.removeprefix("\ufeff").encode(errors="replace")


def problems(target: Target, answer: HttpAnswer) -> list[str]:
    """Return what is wrong with an answer. The body counts only when the status is right."""
    if not any(answer.status in wanted for wanted in status_ranges(target.status)):
        wanted = ", ".join(map(str, target.status))
        return [f"status {answer.status}, expected {wanted}"]
    encoding = answer.encoding.strip().lower()
    if target.needs_body and encoding not in ("", "identity"):
        return [f"the body is compressed ({shown(encoding, 30)}), so nothing can be found in it"]
    return list(_body_problems(target, answer))


def _body_problems(target: Target, answer: HttpAnswer) -> Iterator[str]:
    text = answer.text if target.contains or target.pattern else b""
    if target.contains and target.contains.encode() not in text:
        yield f"the body does not contain {shown(target.contains, 100)!r}"
    if target.pattern and not compiled(target.pattern).search(text):
        yield f"the body does not match {shown(target.pattern, 100)!r}"
    if target.json_pointer is not None:
        yield from _json_problems(target, target.json_pointer, answer.body)


def _json_problems(target: Target, pointer: str, body: bytes) -> Iterator[str]:
    where = shown(pointer, 100)
    try:
        found = value_at(pointer, json.loads(body))
    except LookupError:
        yield f"the body has no {where}"
    except (ValueError, RecursionError):
        yield "the body is not JSON"
    else:
        if target.json_value is not None and not _equal(found, target.json_value):
            wanted = _text(target.json_value)
            yield f"{where or 'the body'} is {_text(found)}, expected {wanted}"


def value_at(pointer: str, document: Json) -> Json:
    """Return the value that a JSON pointer, RFC 6901, leads to; raises `LookupError`."""
    for part in pointer.split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document[step]
        elif isinstance(document, list) and _POSITION.fullmatch(step):
            document = document[int(step)]
        else:
            raise LookupError(step)
    return document


def _equal(found: Json, wanted: Json) -> bool:
    # In Python True is 1, in JSON it is not.
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _text(value: Json) -> str:
    return shown(json.dumps(value, ensure_ascii=False), 100)
