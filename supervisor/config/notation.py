"""How single values of a service file are written: URLs, addresses, sizes, names and labels."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cattrs import IterableValidationError
from cattrs.errors import IterableValidationNote

from supervisor.config import strict
from supervisor.config.problems import Invalid, WrongKind
from supervisor.config.strict import exactly
from supervisor.observations import Duration
from supervisor.text import shortened

RESERVED_LABELS = frozenset({"alertname", "event_type", "check", "instance", "event_id"})
LEAST_LEDGER = 1024 * 1024
SHORTEST_INTERVAL = 0.01

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HOST_NAME = re.compile(
    r"(?=.{1,254}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)
"""Labels of at most 63 characters, as the resolver has them."""

_SIZE = re.compile(r"([0-9]{1,15})\s*([kKMG]i?)?B?")
_UNITS = {"k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}
_EXAMPLE_URL = 'write for example "http://127.0.0.1:9093"'


def url(value: Any, expected: Any) -> str:
    """Return a peer's URL without its trailing slash; a path prefix is kept."""
    parts = _split_url(exactly(str)(value, expected))
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise Invalid("has a query or a fragment; write the URL up to the path only")
    return str(value).rstrip("/")


def link(value: Any, expected: Any) -> str:
    """Return a URL for people, which may have a query; empty means none."""
    if value != "":
        _split_url(exactly(str)(value, expected))
    return str(value)


def same_peer(text: str) -> tuple[str, str | None, int | None, str]:
    """Return what two spellings of one valid URL have in common."""
    parts = urlsplit(text)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def _split_url(text: str) -> SplitResult:
    # The URL itself is never shown: it may hold a password.
    if any(character.isspace() or not character.isprintable() for character in text):
        raise Invalid(f"has a space or a control character; {_EXAMPLE_URL}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Invalid(f"is no URL; {_EXAMPLE_URL}") from None
    if "@" in parts.netloc:
        raise Invalid(
            "has user:password@ in it; write username = … and password = a secret instead"
        )
    if parts.scheme not in ("http", "https"):
        raise Invalid(f"is no URL of http or https; {_EXAMPLE_URL}")
    if port == 0 or not _is_host(parts.hostname or ""):
        raise Invalid(f"has no host, or no port that can be reached; {_EXAMPLE_URL}")
    return parts


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def listen(value: Any, expected: Any) -> str:
    """Return an address to listen on, "HOST:PORT"; empty means none."""
    if value != "":
        split_listen(exactly(str)(value, expected))
    return str(value)


def split_listen(text: str) -> tuple[str, int]:
    """Return host and port of "127.0.0.1:9477" or "[::1]:9477"."""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    plain = host[1:-1] if bracketed else host
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        plain = ""
    if not _is_host(plain) or (":" in plain) != bracketed:
        raise Invalid(f"'{shortened(text)}' is no host:port; write for example \"127.0.0.1:9477\"")
    return plain, int(port)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def size(value: Any, expected: Any) -> int:
    """Return bytes of "64MiB", "500kB" or a number; at least 1 MiB."""
    number = exactly(int, str)(value, expected)
    if isinstance(number, str):
        match = _SIZE.fullmatch(number)
        if match is None:
            raise Invalid(f"'{shortened(number)}' is no size; write for example \"64MiB\"")
        number = int(match[1]) * _UNITS.get((match[2] or "").lower(), 1)
    if number < LEAST_LEDGER:
        raise Invalid('is less than 1 MiB; write for example "64MiB"')
    return int(number)


def name(value: Any, expected: Any) -> str:
    """Return text that can stand in a label and in a line for people."""
    text: str = exactly(str)(value, expected)
    if not text.strip():
        raise Invalid("is empty; write a name")
    if not text.isprintable():
        raise Invalid("has a control character; write a name in printable characters")
    return text


def module_name(value: Any, expected: Any) -> str:
    """Return a module's name; the supervisor's own conditions have theirs."""
    text = name(value, expected)
    if text == "supervisor":
        raise Invalid("'supervisor' is kept for the supervisor itself; choose another name")
    return text


def labels(value: Any, expected: Any) -> dict[str, str]:
    """Return labels that a user may set: valid names, none of ours, no empty values."""
    return _names(value, expected, "label", RESERVED_LABELS | {"service"})


def annotation_values(value: Any, expected: Any) -> dict[str, str]:
    """Return annotations with valid names and no empty values."""
    return _names(value, expected, "annotation", frozenset())


def _names(value: Any, expected: Any, noun: str, reserved: Iterable[str]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise WrongKind(value, expected)
    errors: list[Exception] = []
    for key, text in value.items():
        error: Exception | None = None
        if not _LABEL_NAME.fullmatch(key):
            error = Invalid(f"is no {noun} name; use letters, digits and _, not a digit first")
        elif key == "service" and key in reserved:
            error = Invalid("is the service's name; write it at the top as service = …")
        elif key in reserved:
            error = Invalid("is a label that the supervisor sets; choose another name")
        elif not isinstance(text, str):
            error = WrongKind(text, str)
        elif not text:
            error = Invalid(f"is empty; give it a value, or leave the {noun} out")
        if error is not None:
            error.add_note(IterableValidationNote("", key, str))
            errors.append(error)
    if errors:
        raise IterableValidationError(f"cannot use the {noun}s", errors, dict)
    return dict(value)


def positive(value: Any, expected: Any) -> Duration:
    """Return a duration of more than nothing."""
    seconds = strict.duration(value, expected)
    if seconds <= 0:
        raise Invalid('is not more than 0; write for example "5m"')
    return seconds


def interval(value: Any, expected: Any) -> Duration:
    """Return seconds between runs."""
    seconds = strict.duration(value, expected)
    if seconds < SHORTEST_INTERVAL:
        raise Invalid(f'is less than {SHORTEST_INTERVAL} s; write for example "5m"')
    return seconds


def count(value: Any, expected: Any) -> int:
    """Return an integer of at least 1."""
    number: int = exactly(int)(value, expected)
    if number < 1:
        raise Invalid("is less than 1; write 1 or more")
    return number
