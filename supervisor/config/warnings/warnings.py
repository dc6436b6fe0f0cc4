"""Find what is allowed in a service file, but hardly meant. The daemon does not look for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.config.explain.report import Places
from supervisor.config.problems import KeyPath, KeyProblem, split
from supervisor.config.service import Service
from supervisor.config.warnings import texts
from supervisor.errors import Problem

OUR_CHECKS = "checks."
"""How the modules of the checks that come along begin. Others may give a key another meaning."""


def find(service: Service) -> tuple[Problem, ...]:
    """Return the warnings about a service file that is valid, in the order of the file."""
    places = Places.in_use(service)
    document = places.effective.table if places.effective else {}
    found = (*_modules(service), *_params(service), *_texts((), document, service))
    return tuple(places.problem(each.path, each.wrong, each.remedy) for each in found)


def _modules(service: Service) -> Iterator[KeyProblem]:
    remedy = "add for example check = 'disk' and every = '1m' under [[modules]]"
    if not service.modules:
        yield KeyProblem(("modules",), "there are none, so nothing is looked at", remedy)
    elif not any(module.enabled for module in service.modules):
        yield KeyProblem(("modules",), "none is enabled, so nothing is looked at", "enable one")


def _params(service: Service) -> Iterator[KeyProblem]:
    """Yield what the checks themselves doubt: their `Params` may have a method `warnings`."""
    for path, params in _all_params(service):
        method = getattr(type(params), "warnings", None)
        try:
            found = [(str(key), str(text)) for key, text in method(params)] if method else []
        except Exception as error:  # a check from elsewhere may raise anything
            wrong = f"its check cannot look for warnings: {type(error).__name__}: {error}"
            yield KeyProblem(path[:2], wrong, "correct `warnings` of its `Params`")
            continue
        for key, text in found:
            yield KeyProblem((*path, key), *split(ValueError(text), "look whether that is meant"))


def _all_params(service: Service) -> Iterator[tuple[KeyPath, object]]:
    """Yield the parameters of each module, and those at other times if they differ."""
    for index, module in enumerate(service.modules):
        yield ("modules", index, "params"), module.params
        for number, during in enumerate(module.during):
            if during.params != module.params:
                yield ("modules", index, "during", number, "params"), during.params


def _texts(path: KeyPath, value: Any, service: Service) -> Iterator[KeyProblem]:
    """Yield the warnings about each text at or below a key."""
    match value:
        case str():
            found = texts.warning(path, value, service.path.parent, is_ours=_is_ours(path, service))
            if found is not None:
                yield KeyProblem(path, *found)
        case Mapping():
            for key, each in value.items():
                yield from _texts((*path, key), each, service)
        case list() if not texts.is_for_a_shell(path, value):
            for index, each in enumerate(value):
                yield from _texts((*path, index), each, service)


def _is_ours(path: KeyPath, service: Service) -> bool:
    """Return whether the key is our own, or a parameter of a check that comes along."""
    match path:
        case ("modules", int(index), "params", *_) | (
            "modules",
            int(index),
            "during",
            int(_),
            "params",
            *_,
        ):
            return type(service.modules[index].params).__module__.startswith(OUR_CHECKS)
    return True
