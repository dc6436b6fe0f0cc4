"""Reads a service file into the values of `service`, and reports every problem at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from supervisor.config import notation, rules, strict
from supervisor.config.files import read
from supervisor.config.problems import Fault, Faulty, KeyPath, split, unknown_key
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.config.structure import CONVERTER, Unsupported, list_hook, structure, table_hook
from supervisor.config.timezone import machine_timezone
from supervisor.errors import ConfigError, Problem

ParamsOf: TypeAlias = Callable[[str], type]
"""Gives a check's `Params` class; raises `ConfigError` or `ValueError` when there is none."""


def load_service(path: Path, params_of: ParamsOf) -> Service:
    """Return the service that the file describes, with each check's parameters as its `Params`.

    Raises `ConfigError` with everything that is wrong.
    """
    document = read(path)
    params: list[object] = []
    with strict.paths_from(path.parent):
        service, faults = _structure(document, path)
        for index, module in rules.tables(document.get("modules")):
            try:
                params.append(_params(("modules", index), module, params_of))
            except Faulty as error:
                faults += error.faults
    lifetime: float = attrs.fields(Service).report_lifetime.default or 0
    faults += rules.between(document, path.parent, lifetime, Alertmanager().min_visible)
    if service is None or faults:
        raise ConfigError(
            Problem(str(path), fault.key, fault.wrong, fault.remedy)
            for fault in sorted(faults, key=_position)
        )
    return attrs.evolve(
        service,
        labels={"host": socket.gethostname(), **service.labels},
        modules=tuple(
            attrs.evolve(module, params=given)
            for module, given in zip(service.modules, params, strict=True)
        ),
    )


def _structure(document: Mapping[str, Any], path: Path) -> tuple[Service | None, list[Fault]]:
    faults = [unknown_key(("path",), Service)] if "path" in document else []
    zone = {} if "timezone" in document else {"timezone": machine_timezone().key}
    try:
        return structure({**zone, **document, "path": path}, Service), faults
    except Faulty as error:
        return None, [*faults, *error.faults]


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
    raise Faulty(tuple(Fault((*path, "check"), wrong, remedy) for wrong, remedy in found))


def _position(fault: Fault) -> int:
    """Return where a fault stands in the list: modules last, in their order."""
    match fault.path:
        case ("modules", int(index), *_):
            return index
    return -1


def _prepare_module(module: Mapping[str, Any]) -> Mapping[str, Any]:
    # Without a check there is that fault, not one more about the name.
    return {"name": rules.default_name(module) or "unnamed", **module}


def _given(value: Any, _: Any) -> Any:
    return value


# Inner tables first: a table's hook is built from those of its values.
CONVERTER.register_structure_hook(
    Module,
    table_hook(
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
        params=_given,
    ),
)
CONVERTER.register_structure_hook(
    Alertmanager,
    table_hook(
        Alertmanager,
        urls=list_hook(tuple[str, ...], notation.url),
        timeout=notation.positive,
        max_batch=notation.count,
        min_visible=notation.positive,
        username=notation.name,
    ),
)
CONVERTER.register_structure_hook(
    StatusListener,
    table_hook(
        StatusListener,
        listen=notation.listen,
        hosts=list_hook(tuple[str, ...], notation.name),
        external_url=notation.link,
    ),
)
CONVERTER.register_structure_hook(
    Service,
    table_hook(
        Service,
        path=_given,
        service=notation.name,
        report_lifetime=notation.positive,
        resend_interval=notation.positive,
        stop_grace=notation.positive,
        max_ledger=notation.size,
        labels=notation.labels,
    ),
)
