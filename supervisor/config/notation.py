"""How single values of a service file are written: URLs, addresses, sizes, names and labels."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cattrs import IterableValidationError
from cattrs.errors import IterableValidationNote

from supervisor.config import strict
from supervisor.config.problems import InvalidValue, WrongType
from supervisor.config.schema_text import with_article
from supervisor.config.service import LABEL_NAME, RESERVED_FROM_FILES, UTF8_LABEL_NAME
from supervisor.config.strict import exactly
from supervisor.observations import Duration
from supervisor.text import MAX_MESSAGE_BYTES, clean_label, clean_text, shortened

MIN_LEDGER_BYTES = 1024 * 1024
"""The smallest bound of a ledger's size that a service file may give."""

MIN_INTERVAL = 0.01
"""Seconds between two runs of a module, at least."""

MAX_RUNS = 60
"""The last runs of which `fire_after` may look at some, at most. The ledger has a bit for each."""

_SHARE = re.compile(r"\s*([0-9]{1,3})\s+of\s+([0-9]{1,3})\s*")
"""Some of the last runs: "3 of 5"."""

_HOST_NAME = re.compile(
    r"(?=.{1,254}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)
"""A host name as resolvers take it: parts of at most 63 characters, 254 characters in all."""

_ENDPOINT = re.compile(r"/(api/v[0-9]+(/[a-z]+)?|metrics|-/[a-z]+)/?$")
"""A path within Alertmanager, at the end of a URL that should lead to Alertmanager itself."""

_EXAMPLE_URL = 'write for example "http://127.0.0.1:9093"'


def url(value: Any, expected: Any) -> str:
    """Return the URL of an Alertmanager without its trailing slash; a path prefix is kept."""
    parts = _split_url(exactly(str)(value, expected))
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise InvalidValue("has a query or a fragment; write the URL up to the path only")
    if found := _ENDPOINT.search(parts.path):
        raise InvalidValue(f"ends in {found[0]}, which is added to it; write the URL without it")
    return str(value).rstrip("/")


def link(value: Any, expected: Any) -> str:
    """Return a URL for people. It may have a query. Empty text means that there is none."""
    if value != "":
        _split_url(exactly(str)(value, expected))
    return str(value)


def same_peer(text: str) -> tuple[str, str | None, int | None, str]:
    """Return what is equal for all spellings of one valid URL."""
    parts = urlsplit(text)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def _split_url(text: str) -> SplitResult:
    # No message shows the URL itself: it may hold a password.
    if any(character.isspace() or not character.isprintable() for character in text):
        raise InvalidValue(f"has a space or a control character; {_EXAMPLE_URL}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidValue(f"is not a URL; {_EXAMPLE_URL}") from None
    if "@" in parts.netloc:
        raise InvalidValue(
            "has user:password@ in it; write username = … and password = a secret instead"
        )
    if parts.scheme not in ("http", "https"):
        raise InvalidValue(f"is not a URL of http or https; {_EXAMPLE_URL}")
    if port == 0 or not is_host(parts.hostname or ""):
        raise InvalidValue(f"has no host, or no port that can be reached; {_EXAMPLE_URL}")
    return parts


def is_host(host: str) -> bool:
    """Return whether this is an address, or a name that resolvers take."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def listen(value: Any, expected: Any) -> str:
    """Return an address to listen on, "HOST:PORT". Empty text means that there is none."""
    if value != "":
        split_listen(exactly(str)(value, expected))
    return str(value)


def split_listen(text: str, example: str = "127.0.0.1:9477") -> tuple[str, int]:
    """Return the host and the port of "127.0.0.1:9477" or "[::1]:9477"."""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    plain = host[1:-1] if bracketed else host
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        plain = ""
    if not is_host(plain) or (":" in plain) != bracketed:
        raise InvalidValue(
            f"'{shortened(text)}' is not a host:port; write for example \"{example}\""
        )
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
    """Return the bytes that "64MiB", "500kB" or a number stands for: 1 MiB or more."""
    number = strict.size(value, expected)
    if number < MIN_LEDGER_BYTES:
        raise InvalidValue('is less than 1 MiB; write for example "64MiB"')
    return number


def name(value: Any, expected: Any) -> str:
    """Return text that fits into a label and into one line for people."""
    text: str = exactly(str)(value, expected)
    if not text.strip():
        raise InvalidValue("is empty; write a name")
    if not text.isprintable():
        raise InvalidValue("has a control character; write a name in printable characters")
    return text


def module_name(value: Any, expected: Any) -> str:
    """Return a module's name. The name of the supervisor's own alerts is refused."""
    text = name(value, expected)
    if text == "supervisor":
        raise InvalidValue("'supervisor' is kept for the supervisor itself; choose another name")
    return text


NAME_REMEDY = "use letters, digits and _, not a digit first"
"""How names of labels and annotations are written."""


def labels(value: Any, expected: Any) -> dict[str, str]:
    """Return labels with valid names and clean values that are not empty.

    Reserved names are refused. `rules` refuses names in UTF-8 where the peers do not take them.
    """
    found = _names(value, expected, "label", RESERVED_FROM_FILES)
    return {name: clean_label(text) for name, text in found.items()}


def annotation_values(value: Any, expected: Any) -> dict[str, str]:
    """Return annotations with valid names and clean values that are not empty."""
    found = _names(value, expected, "annotation", frozenset())
    return {name: clean_text(text, MAX_MESSAGE_BYTES) for name, text in found.items()}


def _names(value: Any, expected: Any, noun: str, reserved: Container[str]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise WrongType(value, expected)
    errors: list[Exception] = []
    for key, text in value.items():
        if (error := _wrong_in(key, text, noun, reserved)) is not None:
            error.add_note(IterableValidationNote("", key, str))
            errors.append(error)
    if errors:
        raise IterableValidationError(f"cannot use the {noun}s", errors, dict)
    return dict(value)


def _wrong_in(key: str, text: object, noun: str, reserved: Container[str]) -> Exception | None:
    """Return what is wrong with one label or annotation, if anything is."""
    if not (UTF8_LABEL_NAME if noun == "label" else LABEL_NAME).fullmatch(key):
        return InvalidValue(f"is not {with_article(noun)} name; {NAME_REMEDY}")
    if key in reserved:
        if key == "service":
            return InvalidValue("is the service's name; write it at the top as service = …")
        return InvalidValue("is a label that the supervisor sets; choose another name")
    if not isinstance(text, str):
        return WrongType(text, str)
    if not text:
        return InvalidValue(f"is empty; give it a value, or leave the {noun} out")
    return None


def positive(value: Any, expected: Any) -> Duration:
    """Return a duration in seconds, more than 0."""
    seconds = strict.duration(value, expected)
    if seconds <= 0:
        raise InvalidValue('is not more than 0; write for example "5m"')
    return seconds


def interval(value: Any, expected: Any) -> Duration:
    """Return the seconds between two runs, at least `MIN_INTERVAL`."""
    seconds = strict.duration(value, expected)
    if seconds < MIN_INTERVAL:
        raise InvalidValue(f'is less than {MIN_INTERVAL} s; write for example "5m"')
    return seconds


def count(value: Any, expected: Any) -> int:
    """Return an integer of at least 1."""
    number: int = exactly(int)(value, expected)
    if number < 1:
        raise InvalidValue("is less than 1; write 1 or more")
    return number


def runs_or_share(value: Any, expected: Any) -> int | str:
    """Return a number of runs, at least 1, or how many of the last runs: "3 of 5"."""
    if not isinstance(value, str):
        return count(value, int)
    match = _SHARE.fullmatch(value)
    if match is None:
        raise InvalidValue(f"'{shortened(value)}' is not a number of runs; write 3, or \"3 of 5\"")
    seen, last = int(match[1]), int(match[2])
    if not 1 <= seen <= last <= MAX_RUNS:
        raise InvalidValue(
            f"'{value}' can never be; write M of N with M from 1 to N, and N at most {MAX_RUNS}"
        )
    return f"{seen} of {last}"


def runs_or_time(value: Any, expected: Any) -> int | Duration:
    """Return a number of runs, at least 1, or a time in seconds, more than 0."""
    return positive(value, Duration) if isinstance(value, str) else count(value, expected)
