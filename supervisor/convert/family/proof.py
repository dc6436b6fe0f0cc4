"""Shows that hosts with a family are the same services as those converted one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
from attrs import frozen

from supervisor.config.layers.whole import read_whole
from supervisor.config.load import load_service
from supervisor.config.service import Service
from supervisor.convert.family.same import canonical_value
from supervisor.errors import ConfigError, SupervisorError
from supervisor.modules.loader import load_check


@frozen
class _Said:
    """What a service file says in the end."""

    document: str
    """The effective file, as a text that only the same one has."""

    service: Service
    """The same as the daemon reads it."""


def prove(path: str, family: str, hosts: Mapping[str, str], alone: Mapping[str, str]) -> None:
    """Raise `SupervisorError` if a host with its family differs from the host alone."""
    for name, text in hosts.items():
        with tempfile.TemporaryDirectory(prefix="convert-") as directory:
            file = Path(
                directory, f"{name}.toml"
            )  # the same for both: paths start at its directory
            file.write_text(alone[name], encoding="utf-8")
            expected = _read(file)
            (file.parent / path).parent.mkdir()
            (file.parent / path).write_text(family, encoding="utf-8")
            file.write_text(text, encoding="utf-8")
            try:
                found = _read(file)
            except ConfigError as error:
                wrong = str(error).replace(f"{directory}/", "")
                raise _refused(name, f"is not valid with a family: {wrong}") from None
        if found != expected:
            what = ", ".join(_differences(expected.service, found.service)) or "its document"
            raise _refused(name, f"is not the same with a family: {what} would differ")


def _read(path: Path) -> _Said:
    def params_of(check: str) -> type:
        return load_check(check).params

    document = read_whole(path, params_of).table
    return _Said(canonical_value(document), load_service(path, params_of))


def _differences(expected: Service, found: Service) -> Iterator[str]:
    """Yield in words what differs between two services."""
    for each in attrs.fields(Service):
        if each.name != "modules" and getattr(expected, each.name) != getattr(found, each.name):
            yield each.name
    if [each.name for each in expected.modules] != [each.name for each in found.modules]:
        yield "the modules"
        return
    for one, other in zip(expected.modules, found.modules, strict=True):
        if one != other:
            yield f"module '{one.name}'"


def _refused(name: str, why: str) -> SupervisorError:
    return SupervisorError(f"{name} {why}; nothing was written; convert without --family")
