"""Finds out, for `doctor`, whether each secret of the service file can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import attrs

from supervisor.config.secret import Secret
from supervisor.config.service import Service
from supervisor.doctor.findings import Examination, Finding
from supervisor.doctor.state_dir import read_in_thread
from supervisor.errors import SecretUnreadable

_REMEDIES = {
    "credential": "give the unit a LoadCredential= for it; from a shell set CREDENTIALS_DIRECTORY "
    "to that of the unit that runs, under /run/credentials",
    "file": "create that file so that only the supervisor's user can read it, or name another",
    "env": "set it where the supervisor is started, and here",
}
"""What to do about a secret that cannot be read, by its kind."""


async def examine_secrets(service: Service) -> Examination:
    """Return which secrets can be read. Their values are never shown."""
    good: list[str] = []
    findings: list[Finding] = []
    users: dict[Secret, list[str]] = {}
    for key, secret in secrets(service):
        users.setdefault(secret, []).append(key)
    for secret, keys in users.items():
        finding = await read_in_thread(partial(_unreadable, secret), f"{secret.kind} {secret.name}")
        if finding is None:
            good.append(f"{', '.join(keys)}: can be read")
        else:
            findings.append(attrs.evolve(finding, what=f"{', '.join(keys)}: {finding.what}"))
    if not good and not findings:
        good.append("none is needed")
    return Examination("Secrets", tuple(good), tuple(findings))


def secrets(service: Service) -> Iterator[tuple[str, Secret]]:
    """Yield each secret that is in use, with its key in the service file."""
    yield from _within("alertmanager", service.alertmanager)
    yield from _within("status", service.status)
    for number, module in enumerate(service.modules):
        if module.enabled:
            yield from _within(f"modules[{number}].params", module.params)


def _within(key: str, value: object) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield key, value
    elif attrs.has(kind := type(value)):
        for field in attrs.fields(kind):
            yield from _within(f"{key}.{field.name}", getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _within(f"{key}.{name}", each)
    elif isinstance(value, tuple | list):
        for number, each in enumerate(value):
            yield from _within(f"{key}[{number}]", each)


def _unreadable(secret: Secret) -> Finding | None:
    try:
        if secret.read():
            return None
    except SecretUnreadable as error:
        what, _, remedy = str(error).partition("; ")
        own = secret.kind == "file" and remedy
        return Finding(what, remedy if own else _REMEDIES[secret.kind])
    return Finding(f"the {secret.kind} {secret.name} is empty", "write the secret into it")
