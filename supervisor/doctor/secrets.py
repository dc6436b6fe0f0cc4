"""Finds out, for `doctor`, whether each secret of the service file can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TypeVar

import attrs

from supervisor.config.explain.report import Places, place_of
from supervisor.config.problems import KeyPath
from supervisor.config.secret import Secret
from supervisor.config.service import Service
from supervisor.doctor.findings import Examination, Finding
from supervisor.doctor.state_dir import read_in_thread
from supervisor.errors import Problem, SecretUnreadable

T = TypeVar("T")

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
    users: dict[Secret, list[KeyPath]] = {}
    places: Places | None = None
    for key, secret in secrets(service):
        users.setdefault(secret, []).append(key)
    names = {index: module.name for index, module in enumerate(service.modules)}
    for secret, paths in users.items():
        keys = ", ".join(place_of(path, names) for path in paths)
        finding = await read_in_thread(partial(_unreadable, secret), f"{secret.kind} {secret.name}")
        if finding is None:
            good.append(f"{keys}: can be read")
        else:
            places = places or Places.in_use(service)
            what = ": ".join(filter(None, (places.where(paths[0]), keys, finding.what)))
            findings.append(attrs.evolve(finding, what=what))
    if not good and not findings:
        good.append("none is needed")
    return Examination("Secrets", tuple(good), tuple(findings))


async def unsafe_files(service: Service) -> list[Problem]:
    """Return the files of secrets that a run would refuse, because they are missing or open."""
    places: Places | None = None
    found = []
    for path, secret in secrets(service):
        if secret.kind == "file":
            finding = await read_in_thread(partial(_unreadable, secret), f"file {secret.name}")
            if finding is not None:
                places = places or Places.in_use(service)
                found.append(places.problem(path, f"warning: {finding.what}", finding.remedy))
    return found


def secrets(service: Service) -> Iterator[tuple[KeyPath, Secret]]:
    """Yield each secret that is in use, with its key in the service file."""
    yield from values_of(Secret, ("alertmanager",), service.alertmanager)
    yield from values_of(Secret, ("status",), service.status)
    yield from values_of(Secret, ("fallback",), service.fallback)
    for number, module in enumerate(service.modules):
        if module.enabled:
            yield from values_of(Secret, ("modules", number, "params"), module.params)
            for each, during in enumerate(module.during):
                if during.params != module.params:
                    path = ("modules", number, "during", each, "params")
                    yield from values_of(Secret, path, during.params)


def values_of(kind: type[T], key: KeyPath, value: object) -> Iterator[tuple[KeyPath, T]]:
    """Yield each value of a type at or below a key."""
    if isinstance(value, kind):
        yield key, value
    elif attrs.has(outer := type(value)):
        for field in attrs.fields(outer):
            yield from values_of(kind, (*key, field.name), getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from values_of(kind, (*key, str(name)), each)
    elif isinstance(value, tuple | list):
        for number, each in enumerate(value):
            yield from values_of(kind, (*key, number), each)


def _unreadable(secret: Secret) -> Finding | None:
    try:
        if secret.read():
            return None
    except SecretUnreadable as error:
        what, _, remedy = str(error).partition("; ")
        own = secret.kind == "file" and remedy
        return Finding(what, remedy if own else _REMEDIES[secret.kind])
    return Finding(f"the {secret.kind} {secret.name} is empty", "write the secret into it")
