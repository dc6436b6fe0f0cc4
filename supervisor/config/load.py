"""Read a service file into the values of `service`, and report every problem at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from supervisor.config import notation, rules, strict
from supervisor.config.fallback import notation as fallback_notation
from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.config.layers.whole import read_whole
from supervisor.config.problems import KeyPath, KeyProblem, ParamsOf, TableError, split, unknown_key
from supervisor.config.service import (
    Alertmanager,
    During,
    Maintenance,
    Module,
    Service,
    StatusListener,
)
from supervisor.config.strict import Hook
from supervisor.config.structure import CONVERTER, Unsupported, list_hook, structure, table_hook
from supervisor.config.timezone import machine_timezone
from supervisor.errors import ConfigError


def load_service(path: Path, params_of: ParamsOf) -> Service:
    """Return the service that the file describes; each module has its check's `Params`.

    Raises `ConfigError` with everything that is wrong.
    """
    source = read_whole(path, params_of)
    document = source.table
    params: list[tuple[object, list[object]]] = []
    with strict.paths_from(path.parent):
        service, problems = _structure(document, path)
        for index, module in rules.tables(document.get("modules")):
            try:
                own = _params(("modules", index), module, params_of)
                params.append((own, [*_params_during(("modules", index), module, params_of)]))
            except TableError as error:
                problems += error.problems
    lifetime: float = attrs.fields(Service).report_lifetime.default or 0
    problems += rules.between(document, path.parent, lifetime, Alertmanager().min_visible)
    if service is None or problems or source.faults:
        from supervisor.config.explain.report import report  # only errors need it

        raise ConfigError(report(source, problems, params_of))
    return attrs.evolve(
        service,
        # The machine's zone may have no name by which it could be given above.
        timezone=service.timezone if "timezone" in document else machine_timezone(),
        labels={"host": socket.gethostname(), **service.labels},
        modules=tuple(
            _with_params(module, *given)
            for module, given in zip(service.modules, params, strict=True)
        ),
    )


def _structure(document: Mapping[str, Any], path: Path) -> tuple[Service | None, list[KeyProblem]]:
    problems = [unknown_key(("path",), Service)] if "path" in document else []
    try:
        return structure({"timezone": "UTC", **document, "path": path}, Service), problems
    except TableError as error:
        return None, [*problems, *error.problems]


def _with_params(module: Module, params: object, during: Iterable[object]) -> Module:
    others = (
        attrs.evolve(each, params=given) for each, given in zip(module.during, during, strict=True)
    )
    return attrs.evolve(module, params=params, during=tuple(others))


def _params_during(
    path: KeyPath, module: Mapping[str, Any], params_of: ParamsOf
) -> Iterator[object]:
    """Yield the parameters of each `during` table: the module's, with what the table changes."""
    for number, table in rules.tables(module.get("during")):
        changed = {**rules.table(module.get("params")), **rules.table(table.get("params"))}
        inner = (*path, "during", number)
        yield _params(inner, {"check": module.get("check"), "params": changed}, params_of)


def _params(path: KeyPath, module: Mapping[str, Any], params_of: ParamsOf) -> object:
    check = module.get("check")
    if not isinstance(check, str) or not check:
        return None
    try:
        return structure(module.get("params", {}), params_of(check), (*path, "params"))
    except ConfigError as error:
        found = [(problem.wrong, problem.remedy) for problem in error.problems]
    except ValueError as error:
        found = [split(error, "see: python -m supervisor checks")]
    except Unsupported as error:
        found = [(f"has parameters that no file can give: {error}", "tell its author")]
    raise TableError(tuple(KeyProblem((*path, "check"), wrong, remedy) for wrong, remedy in found))


def _prepare_module(module: Mapping[str, Any]) -> Mapping[str, Any]:
    # A module without a check has no default name. The missing check is its only problem.
    return {"name": rules.default_name(module) or "unnamed", **module}


def _as_it_is(value: Any, _: Any) -> Any:
    return value


_NOTATIONS: Mapping[Hook, Collection[str]] = {
    _as_it_is: ("params", "path"),
    notation.annotation_values: ("annotations",),
    fallback_notation.address: ("from_",),
    fallback_notation.server: ("server",),
    notation.count: ("max_batch", "max_conditions"),
    notation.runs_or_share: ("fire_after",),
    notation.runs_or_time: ("clear_after",),
    notation.interval: ("every",),
    notation.labels: ("labels",),
    notation.link: ("external_url",),
    notation.listen: ("listen",),
    notation.module_name: ("name",),
    notation.name: ("check", "service", "username"),
    notation.positive: (
        "after",
        "min_visible",
        "report_lifetime",
        "resend_interval",
        "stop_grace",
        "timeout",
    ),
    notation.size: ("max_ledger",),
    list_hook(tuple[str, ...], notation.name): ("event_types", "hosts"),
    list_hook(tuple[str, ...], fallback_notation.address): ("to",),
    list_hook(tuple[str, ...], notation.url): ("urls",),
}
"""How to read the keys whose type alone does not tell it, in whatever table a key stands."""

_HOOKS: Mapping[str, Hook] = {key: hook for hook, keys in _NOTATIONS.items() for key in keys}


def _register(
    cls: type[Any], prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
) -> None:
    hooks = {key: hook for key, hook in _HOOKS.items() if key in attrs.fields_dict(cls)}
    CONVERTER.register_structure_hook(cls, table_hook(cls, prepare, **hooks))


# Inner tables first: the hook of a table is made from the hooks of its values.
_register(During)
_register(Module, _prepare_module)
_register(Maintenance)
_register(Alertmanager)
_register(StatusListener)
_register(FallbackMail)
_register(FallbackCommand)
_register(Fallback)
_register(Service)
