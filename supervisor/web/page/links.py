"""Addresses: our pages, an Alertmanager's own pages, and the `amtool` command. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import quote

from attrs import frozen

SILENCE_FOR = "2h"
"""For how long the command that is shown silences an alert."""

_ESCAPED = re.compile(r'(["\\])')


@frozen
class Actions:
    """Links and a command for one alert."""

    silence: str
    """The form for a new silence, in an Alertmanager's own pages."""

    open: str
    """The alert in an Alertmanager's own pages."""

    command: str
    """The command that silences it. Debian's Alertmanager does not have pages of its own."""


def actions(url: str, labels: Mapping[str, str]) -> Actions:
    """Return what to do about the alert with these labels, at the Alertmanager `url`."""
    matchers = [f"{name}={_quoted(value)}" for name, value in sorted(labels.items())]
    there, chosen = url.rstrip("/"), quote(f"{{{','.join(matchers)}}}", safe="")
    words = ["amtool", f"--alertmanager.url={there}", "silence", "add", *matchers]
    words += [f"--duration={SILENCE_FOR}", "--comment=why"]
    return Actions(
        silence=f"{there}/#/silences/new?filter={chosen}",
        open=f"{there}/#/alerts?filter={chosen}",
        command=shlex.join(words),
    )


def module_path(name: str) -> str:
    """Return the address of a module's page, below the first page."""
    return f"modules/{quote(name, safe='')}"


def web_link(text: str) -> str:
    """Return an address that a browser may be led to, else an empty text."""
    return text if re.fullmatch(r"https?://[^\s]+", text) else ""


def _quoted(value: str) -> str:
    return '"' + _ESCAPED.sub(r"\\\1", value) + '"'
