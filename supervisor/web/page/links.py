"""Addresses: our pages, an Alertmanager's own pages, and the `amtool` command. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR

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

    own: str
    """The command that silences it until it is over, on this host. Empty if there is none."""


def actions(url: str, labels: Mapping[str, str], program: Sequence[str]) -> Actions:
    """Return what to do about the alert with these labels, at the Alertmanager `url`.

    `program` is our program and its service, as a person types them.
    """
    matchers = [f"{name}={_quoted(value)}" for name, value in sorted(labels.items())]
    there, chosen = url.rstrip("/"), quote(f"{{{','.join(matchers)}}}", safe="")
    words = ["amtool", f"--alertmanager.url={there}", "silence", "add", *matchers]
    words += [f"--duration={SILENCE_FOR}", "--comment=why"]
    return Actions(
        silence=f"{there}/#/silences/new?filter={chosen}",
        open=f"{there}/#/alerts?filter={chosen}",
        command=shlex.join(words),
        own=_own_command(labels, program),
    )


def _own_command(labels: Mapping[str, str], program: Sequence[str]) -> str:
    module, instance = labels.get("check", SUPERVISOR), labels.get("instance", "")
    if module == SUPERVISOR:
        return ""
    subject = [module, *filter(None, [instance])]
    words = [*program[:1], "silence", *program[1:], "--until-resolved", "--reason=why"]
    return shlex.join([*words, *(["--"] if instance.startswith("-") else []), *subject])


def module_path(name: str) -> str:
    """Return the address of a module's page, below the first page."""
    return f"modules/{quote(name, safe='')}"


def web_link(text: str) -> str:
    """Return an address that a browser may be led to, else an empty text."""
    return text if re.fullmatch(r"https?://[^\s]+", text) else ""


def _quoted(value: str) -> str:
    return '"' + _ESCAPED.sub(r"\\\1", value) + '"'
