"""Checks found by name at run time: modules of `checks`, installed plug-ins, dotted paths."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from supervisor.errors import ConfigError, Problem
from supervisor.modules.context import Context
from supervisor.observations import Observation
from supervisor.text import advice, shortened

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PACKAGE = "checks"
ENTRY_POINTS = "supervisor.checks"

_SIGNATURE = "async def run(context, params)"
_EXAMINE = "async def examine(params)"


@frozen
class NoParams:
    """The parameters of a check that declares none."""


@frozen
class Check:
    """One check: `params` is its attrs class, `run` what a module of it runs.

    `examine`, which few have, says what is wrong with what its parameters name.
    """

    name: str
    params: type
    run: Callable[[Context, Any], Awaitable[Iterable[Observation]]]
    doc: str = ""
    examine: Callable[[Any], Awaitable[Iterable[str]]] | None = None


def load_check(name: str) -> Check:
    """Return the check of this name.

    A module of `checks` comes first, then an installed plug-in, then a dotted path. Raises
    `ConfigError` when there is none, or when it is not written as a check must be.
    """
    module = _import(name, f"{PACKAGE}.{name}") if _is_simple(name) else None
    if module is None and (plugin := _plugins().get(name)) is not None:
        if plugin.attr:
            wrong = f"the entry point of check '{name}' is {plugin.value}"
            raise _error(name, wrong, f"it must be a module; write {plugin.module} alone")
        module = _import(name, plugin.module, missing_is_unknown=False)
    if module is None and "." in name and all(map(str.isidentifier, name.split("."))):
        module = _import(name, name)
    if module is None:
        remedy = advice(name, known_checks(), "known checks are")
        raise _error(name, f"there is no check '{shortened(name)}'", remedy)
    return _check(name, module)


def known_checks() -> tuple[str, ...]:
    """Return the names of all checks that need no dotted path, sorted."""
    import pkgutil  # needed only to list them

    names = set(_plugins())
    if (package := _import(PACKAGE, PACKAGE)) is not None:
        names |= {module.name for module in pkgutil.iter_modules(package.__path__)}
    return tuple(sorted(name for name in names if not name.startswith("_")))


def _is_simple(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")


def look_again() -> None:
    """Notice, from the next call on, what has been installed since the last."""
    importlib.invalidate_caches()
    _plugins.cache_clear()


@cache  # reading all that is installed takes a millisecond, and there may be thousands of modules
def _plugins() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points  # 20 ms, and seldom needed

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _import(name: str, path: str, *, missing_is_unknown: bool = True) -> ModuleType | None:
    """Return the module, or None when there is no such module."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        # Else it is the module itself that imports something missing.
        absent = error.name is not None and f"{path}.".startswith(f"{error.name}.")
        if absent and missing_is_unknown:
            return None
        why = f"{type(error).__name__}: {error}"
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        why = f"{type(error).__name__}: {error}"
    text = shortened(why, most=300)
    raise _error(name, f"check '{name}' cannot be imported: {text}", f"see {path}")


def _check(name: str, module: ModuleType) -> Check:
    params = getattr(module, "Params", NoParams)
    run = getattr(module, "run", None)
    if not isinstance(params, type) or not attrs.has(params):
        raise _error(name, f"Params of check '{name}' is no attrs class", "write @frozen above it")
    if not inspect.iscoroutinefunction(run):
        raise _error(name, f"check '{name}' has no async function run", f"write {_SIGNATURE}")
    try:
        inspect.signature(run).bind(None, None)
    except TypeError:
        wrong = f"run of check '{name}' does not take two arguments"
        raise _error(name, wrong, f"write {_SIGNATURE}") from None
    doc = inspect.cleandoc(module.__doc__ or "")
    return Check(name, params, run, doc=doc, examine=_examine(name, module))


def _examine(name: str, module: ModuleType) -> Callable[[Any], Awaitable[Iterable[str]]] | None:
    """Return the check's `examine`; a plain function of that name is the check's own affair."""
    examine = getattr(module, "examine", None)
    if not inspect.iscoroutinefunction(examine):
        return None
    try:
        inspect.signature(examine).bind(None)
    except TypeError:
        wrong = f"examine of check '{name}' does not take one argument"
        raise _error(name, wrong, f"write {_EXAMINE}") from None
    return examine


def _error(name: str, wrong: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("checks", shortened(name), wrong, remedy)])
