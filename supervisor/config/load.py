"""Read a service file into the values of `service`, and report every problem at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from supervisor.config import notation, rules, strict
from supervisor.config.files import read
from supervisor.config.problems import KeyPath, KeyProblem, TableError, split, unknown_key
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.config.strict import Hook
from supervisor.config.structure import CONVERTER, Unsupported, list_hook, structure, table_hook
from supervisor.config.timezone import machine_timezone
from supervisor.errors import ConfigError, Problem

ParamsOf: TypeAlias = Callable[[str], type]
"""Returns the `Params` class of a check by its name.

Raises `ConfigError` or `ValueError` when there is no such check.
"""


def load_service(path: Path, params_of: ParamsOf) -> Service:
    """Return the service that the file describes; each module has its check's `Params`.

    Raises `ConfigError` with everything that is wrong.
    """
    document = read(path)
    params: list[object] = []
    with strict.paths_from(path.parent):
        service, problems = _structure(document, path)
        for index, module in rules.tables(document.get("modules")):
            try:
                params.append(_params(("modules", index), module, params_of))
            except TableError as error:
                problems += error.problems
    lifetime: float = attrs.fields(Service).report_lifetime.default or 0
    problems += rules.between(document, path.parent, lifetime, Alertmanager().min_visible)
    if service is None or problems:
        raise ConfigError(
            Problem(str(path), problem.key, problem.wrong, problem.remedy)
            for problem in sorted(problems, key=_position)
        )
    return attrs.evolve(
        service,
        labels={"host": socket.gethostname(), **service.labels},
        modules=tuple(
            attrs.evolve(module, params=given)
            for module, given in zip(service.modules, params, strict=True)
        ),
    )


def _structure(document: Mapping[str, Any], path: Path) -> tuple[Service | None, list[KeyProblem]]:
    problems = [unknown_key(("path",), Service)] if "path" in document else []
    zone = {} if "timezone" in document else {"timezone": machine_timezone().key}
    try:
        return structure({**zone, **document, "path": path}, Service), problems
    except TableError as error:
        return None, [*problems, *error.problems]


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


def _position(problem: KeyProblem) -> int:
    """Return where a problem stands in the list: those of modules last, in the modules' order."""
    match problem.path:
        case ("modules", int(index), *_):
            return index
    return -1


def _prepare_module(module: Mapping[str, Any]) -> Mapping[str, Any]:
    # A module without a check has no default name. The missing check is its only problem.
    return {"name": rules.default_name(module) or "unnamed", **module}


def _as_it_is(value: Any, _: Any) -> Any:
    return value


def _register(
    cls: type[Any],
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    **hooks: Hook,
) -> None:
    CONVERTER.register_structure_hook(cls, table_hook(cls, prepare, **hooks))


# Inner tables first: the hook of a table is made from the hooks of its values.
_register(
    Module,
    _prepare_module,
    check=notation.name,
    name=notation.module_name,
    every=notation.interval,
    timeout=notation.positive,
    fire_after=notation.count,
    clear_after=notation.count,
    max_conditions=notation.count,
    labels=notation.labels,
    annotations=notation.annotation_values,
    params=_as_it_is,
)
_register(
    Alertmanager,
    urls=list_hook(tuple[str, ...], notation.url),
    timeout=notation.positive,
    max_batch=notation.count,
    min_visible=notation.positive,
    username=notation.name,
)
_register(
    StatusListener,
    listen=notation.listen,
    hosts=list_hook(tuple[str, ...], notation.name),
    external_url=notation.link,
)
_register(
    Service,
    path=_as_it_is,
    service=notation.name,
    report_lifetime=notation.positive,
    resend_interval=notation.positive,
    stop_grace=notation.positive,
    max_ledger=notation.size,
    labels=notation.labels,
)
