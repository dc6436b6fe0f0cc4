"""Secrets taken out of legacy files: their names, their files, and what must not be shown."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import define, field

from supervisor.config.problems import SECRETIVE
from supervisor.convert.legacy_yaml.nodes import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    children,
    is_null,
    to_s,
)
from supervisor.convert.service_file.toml import Item, inline_table

HIDDEN = "…"
"""What stands in a comment for a secret."""

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
"""What the name of a secret cannot have."""

_TOLD = re.compile(
    r"(?P<key>(?:(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key)\w*[\"']?\s*(?:[:=]>?|is\b|was\b)"
    r"|(?:비밀번호|비번|암호|패스워드)(?:은|는)?\s*[:=]?)\s*)(?P<value>\S.*)",
    re.IGNORECASE,
)
"""A comment that seems to tell a secret."""

_LOGIN = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*):(?P<password>[^\s/@]+)@")
"""A URL with a password in it."""


@define
class Secrets:
    """The secrets of one run."""

    directory: Path | None = None
    """Where their files are to be; None if service files name systemd credentials."""

    values: dict[str, str] = field(factory=dict)
    """The secrets by name."""

    _names: dict[tuple[str, ...], str] = field(factory=dict)
    """The names by what tells secrets apart, the value included."""

    def keep(self, name: str, value: str, *identity: str) -> str:
        """Return the name under which a value is kept: one name for each identity and value."""
        identity = (*identity, value) if identity else (name, value)
        if identity not in self._names:
            base = _UNFIT.sub("_", name).strip("_") or "secret"
            free, number = base, 1
            while free in self.values:
                number += 1
                free = f"{base}-{number}"
            self._names[identity] = free
            self.values[free] = value
        return self._names[identity]

    def reference(self, name: str) -> Item:
        """Return how a service file refers to a secret."""
        if self.directory is None:
            return inline_table({"credential": Item(name)})
        return inline_table({"file": Item(str(self.directory / name))})


def find_secrets(root: Node) -> dict[int, str]:
    """Return the scalars below keys such as `Password`, by identity: an alias is found, too."""
    found: dict[int, str] = {}
    seen: set[tuple[int, bool]] = set()

    def walk(node: Node, inside: bool) -> None:
        if (id(node), inside) in seen:
            return
        seen.add((id(node), inside))
        match node:
            case Scalar():
                if inside and not is_null(node) and node.text:
                    found[id(node)] = node.text
            case Mapping():
                for pair in node.pairs.values():
                    walk(pair.value, inside or is_secretive(pair.key))
            case Sequence():
                for item in children(node):
                    walk(item, inside)

    walk(root, inside=False)
    return found


def is_secretive(key: Node) -> bool:
    """Return whether a key says that its value is a secret."""
    return SECRETIVE.search(to_s(key)) is not None


def split_login(url: str) -> tuple[str, str, str] | None:
    """Split `scheme://user:password@…` into what is before the password, it, and what follows."""
    found = _LOGIN.search(url)
    if found is None:
        return None
    start, end = found.span("password")
    return url[:start], url[start:end], url[end:]


def redact(comment: str, secrets: set[str]) -> str:
    """Return a comment without the secrets of its file, and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        edge = r"(?<!\w)" if secret[0].isalnum() else ""
        last = r"(?!\w)" if secret[-1].isalnum() else ""
        comment = re.sub(f"{edge}{re.escape(secret)}{last}", HIDDEN, comment)
    comment = _LOGIN.sub(rf"\g<scheme>:{HIDDEN}@", comment)
    return _TOLD.sub(rf"\g<key>{HIDDEN}", comment)
