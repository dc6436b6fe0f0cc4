"""Rules between the values of `[fallback]`. They read the plain TOML tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.config import schema_text
from supervisor.config.problems import KeyProblem

_CHANNELS = "write [fallback.mail] or [fallback.command]"


def wrong_fallback(fallback: Mapping[str, Any], urls: object) -> Iterator[KeyProblem]:
    """Yield what does not fit together. `urls` are the peers that the file names."""
    if not urls:
        wrong = "is given without an Alertmanager, so nothing is ever owed"
        remedy = "write alertmanager.urls, or remove [fallback]"
        yield KeyProblem(("fallback",), wrong, remedy)
    if "mail" not in fallback and "command" not in fallback:
        yield KeyProblem(("fallback",), "has neither mail nor command", _CHANNELS)
    if fallback.get("event_types") == []:
        wrong, remedy = "is empty, so nothing is ever told", 'write for example ["E", "TE"]'
        yield KeyProblem(("fallback", "event_types"), wrong, remedy)
    mail, command = fallback.get("mail"), fallback.get("command")
    if isinstance(mail, Mapping):
        yield from _mail(mail)
    if isinstance(command, Mapping) and command.get("argv") in ([], [""]):
        wrong, remedy = "is empty", 'write for example ["/usr/local/bin/sms"]'
        yield KeyProblem(("fallback", "command", "argv"), wrong, remedy)


def _mail(mail: Mapping[str, Any]) -> Iterator[KeyProblem]:
    path = ("fallback", "mail")
    if mail.get("to") == []:
        remedy = 'write for example ["oncall@example.invalid"]'
        yield KeyProblem((*path, "to"), "is empty", remedy)
    if "username" in mail and "password" not in mail:
        remedy = f"add password = {schema_text.THREE_FORMS}"
        yield KeyProblem((*path, "username"), "is given without password", remedy)
    if "password" in mail and "username" not in mail:
        yield KeyProblem((*path, "password"), "is given without username", "add username = …")
