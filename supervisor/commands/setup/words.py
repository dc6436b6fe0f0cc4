"""Words that a shell completes: services, modules and checks. It must be quick."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from supervisor.config.files import directories, names


def words(kind: str, service: str | None, given: Sequence[Path]) -> list[str]:
    """Return the words of one kind, sorted. What cannot be read has none."""
    return sorted(KINDS[kind](service, given))


def _services(_service: str | None, given: Sequence[Path]) -> set[str]:
    return set(names(directories(given)))


def _modules(service: str | None, given: Sequence[Path]) -> set[str]:
    """Return the names of the modules of a service, or of all services if none is named."""
    looked = directories(given)
    services = [service] if service else names(looked)
    paths = [directory / f"{name}.toml" for name in services for directory in looked]
    return {name for path in paths for name in _named_in(path)}


def _named_in(path: Path) -> Iterable[str]:
    try:
        modules = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("modules", [])
        tables = [module for module in modules if isinstance(module, dict)]
    except (OSError, ValueError, TypeError):  # a shell completes nothing of it
        return
    for table in tables:
        name = table.get("name") or str(table.get("check", "")).rpartition(".")[2]
        if isinstance(name, str) and name:
            yield name


def _checks(_service: str | None, _given: Sequence[Path]) -> set[str]:
    from supervisor.modules.loader import known_checks  # the other kinds need no checks

    return set(known_checks())


KINDS: Mapping[str, Callable[[str | None, Sequence[Path]], set[str]]] = {
    "services": _services,
    "modules": _modules,
    "checks": _checks,
}
"""Each kind of words, and what finds them."""
