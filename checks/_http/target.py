"""The parameters of one URL: how it is asked, and what its answer must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import httpx
from attrs import Attribute, field, frozen

from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.patterns import compiled
from checks._common.validators import not_blank
from checks._http.certificates import ERROR_DAYS, MIN_DAYS_HELP, WARN_DAYS, refuse_both
from supervisor.api import Duration, Limit, Secret, lower_limit, upper_limit

MAX_REQUEST_BYTES = 64 * 1024
"""The size of a request's body. It is sent at once, also to a server that does not read it."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A method or the name of a header, RFC 9110, 5.6.2."""

_POINTER = re.compile(r"(?:/(?:[^/~]|~[01])*)*", re.DOTALL)
"""A JSON pointer, RFC 6901, 3."""

_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
"""Headers whose values must be secrets, not texts."""


def status_ranges(written: tuple[int | str, ...]) -> list[range]:
    """Return the ranges that 200 and "200-299" mean; raises `ValueError`."""
    found = []
    for item in written:
        match = re.fullmatch(r"([0-9]{3})(?:-([0-9]{3}))?", str(item))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 100 <= first <= last:
            raise ValueError(
                f"{str(item)[:50]!r} is not a status; write for example 200 or '200-299'"
            )
        found.append(range(first, last + 1))
    return found


@frozen
class Target:
    """One URL, and what its answer must be."""

    name: str = field(
        validator=not_blank("write what the target is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
    url: str = field(metadata={"help": "http:// or https://"})
    method: str = field(default="GET", metadata={"help": "the request's method"})
    body: str = field(default="", metadata={"help": "the request's body"})
    headers: Mapping[str, str | Secret] = field(
        factory=dict, metadata={"help": "further headers; a value may be a secret"}
    )
    status: tuple[int | str, ...] = field(
        default=("200-299",), metadata={"help": "statuses that are right: 200, '200-299'"}
    )
    contains: str = field(default="", metadata={"help": "text that must be in the body"})
    pattern: str = field(
        default="", metadata={"help": "a regular expression (RE2) that the body must match"}
    )
    json_pointer: str | None = field(
        default=None, metadata={"help": "where in a JSON body (RFC 6901): '/checks/0/state'"}
    )
    json_value: str | int | float | bool | None = field(
        default=None, metadata={"help": "what must be there; default: anything"}
    )
    max_seconds: Limit[Duration] | None = limit_field(
        upper_limit, "W when the whole answer takes longer"
    )
    follow_redirects: bool = field(default=False, metadata={"help": "true: follow up to 5"})
    verify: bool = field(default=True, metadata={"help": "false: trust any certificate"})
    ca_file: Path | None = field(
        default=None, metadata={"help": "who is trusted; default: the system's authorities"}
    )
    strict: bool = field(default=False, metadata={"help": "true: authorities must fit RFC 5280"})
    warn_days: float = field(
        default=WARN_DAYS, metadata={"help": "W: the certificate has fewer days"}
    )
    error_days: float = field(
        default=ERROR_DAYS, metadata={"help": "E: the certificate has fewer days"}
    )
    min_days: Limit[float] | None = limit_field(lower_limit, MIN_DAYS_HELP)
    username: str = field(default="", metadata={"help": "with password: basic authentication"})
    password: Secret | None = field(default=None, metadata={"help": "of username"})
    bearer_token: Secret | None = field(default=None, metadata={"help": "instead of a password"})
    timeout: Duration = timeout_field(10, "for all of it")
    event_type: str = event_type_field("E", "when it fails")

    @url.validator
    def _is_url(self, _: Attribute[str], value: str) -> None:
        try:
            url = httpx.URL(value)
        except httpx.InvalidURL as error:
            raise ValueError(f"is not a URL: {error}; write for example 'http://host/'") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("is not an http or https URL; write for example 'http://host/'")
        if url.userinfo:
            raise ValueError("holds a password; write username and password instead")
        if url.port is not None and not 0 < url.port < 65536:
            raise ValueError("has no port that can be reached; write one from 1 to 65535")

    @method.validator
    def _is_method(self, _: Attribute[str], value: str) -> None:
        if not _TOKEN.fullmatch(value):
            raise ValueError(f"{value!r} is not a method; write for example 'GET'")

    @body.validator
    def _is_short(self, _: Attribute[str], value: str) -> None:
        if len(value.encode()) > MAX_REQUEST_BYTES:
            raise ValueError("is longer than 64 KiB; send less")

    @headers.validator
    def _are_headers(
        self, _: Attribute[Mapping[str, str | Secret]], value: Mapping[str, str | Secret]
    ) -> None:
        for name, text in value.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(
                    f"{name!r} is not the name of a header; write for example 'Accept'"
                )
            if isinstance(text, Secret):
                continue
            if name.lower() in _SECRET_HEADERS:
                secret = f"{name} = {{ credential = … }}"
                raise ValueError(
                    f"holds a secret; write password or bearer_token instead, or {secret}"
                )
            if not is_header_value(text):
                raise ValueError(f"{name} is not plain ASCII; write it without control characters")

    @status.validator
    def _are_statuses(
        self, _: Attribute[tuple[int | str, ...]], value: tuple[int | str, ...]
    ) -> None:
        if not status_ranges(value):
            raise ValueError("is empty; write for example ['200-299']")

    @pattern.validator
    def _is_pattern(self, _: Attribute[str], value: str) -> None:
        if value:
            compiled(value)

    @json_pointer.validator
    def _is_pointer(self, _: Attribute[str | None], value: str | None) -> None:
        if value is not None and not _POINTER.fullmatch(value):
            raise ValueError(f"{value[:50]!r} is not a JSON pointer; write for example '/checks/0'")

    def __attrs_post_init__(self) -> None:
        refuse_both(self)
        if self.password is not None and self.bearer_token is not None:
            raise ValueError("password and bearer_token exclude each other; remove one")
        if (self.password is None) != (not self.username) or ":" in self.username:
            raise ValueError("username and password belong together, username without a colon")
        if self.json_value is not None and self.json_pointer is None:
            raise ValueError("json_value needs json_pointer; write where it must be")
        if self.max_seconds is not None and max(self.max_seconds.numbers) >= self.timeout:
            raise ValueError("max_seconds is not below timeout and never reached; lower it")

    @property
    def may_use_tls(self) -> bool:
        """Whether asking it may need a TLS context."""
        return httpx.URL(self.url).scheme == "https" or self.follow_redirects

    @property
    def needs_body(self) -> bool:
        """Whether the body of the answer is judged."""
        return bool(self.contains or self.pattern) or self.json_pointer is not None

    @property
    def needs_end(self) -> bool:
        """Whether it is judged when the answer is over."""
        return self.needs_body or self.max_seconds is not None

    @property
    def secret_headers(self) -> tuple[str, ...]:
        """The names of the headers that must not be sent to another server."""
        return tuple(name for name, value in self.headers.items() if isinstance(value, Secret))

    @property
    def place(self) -> str:
        """The URL as it is shown, without its query, which may hold a secret."""
        return self.url.partition("?")[0].partition("#")[0]


def is_header_value(text: str) -> bool:
    """Whether a text can be sent in a header as it is."""
    return text.isascii() and text.isprintable() and text == text.strip()
