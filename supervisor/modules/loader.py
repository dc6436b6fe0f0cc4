"""Find checks by name: modules of `checks`, installed plug-ins, and dotted paths."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from attrs import frozen

from supervisor.errors import ConfigError, Problem
from supervisor.modules.context import Context
from supervisor.observations import Observation
from supervisor.text import advice, shortened

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PACKAGE = "checks"
"""The package of the checks that come with the supervisor."""

ENTRY_POINTS = "supervisor.checks"
"""The group of entry points by which an installed package offers checks."""

_RUN_SIGNATURE = "async def run(context, params)"
"""How a check must write `run`."""

_EXAMINE_SIGNATURE = "async def examine(params)"
"""How a check must write `examine`."""


Watch: TypeAlias = Callable[[Context, Any, Callable[[], None]], Awaitable[None]]
"""A check's `watch`: its third argument asks for a run at once."""

_WATCH_SIGNATURE = "async def watch(context, params, run_soon)"
"""How a check must write `watch`."""


@frozen
class NoParams:
    """The parameters of a check that declares none."""


@frozen
class Check:
    """One kind of check, as its Python module defines it."""

    name: str
    """The name by which service files call it."""

    params: type
    """The attrs class of its parameters."""

    run: Callable[[Context, Any], Awaitable[Iterable[Observation]]]
    """Looks once, and returns what it has seen."""

    doc: str = ""
    """The docstring of its Python module."""

    expects: Callable[[Any], Iterable[tuple[Any, ...]]] | None = None
    """Names what must happen at which times of the day, for `plan`. Few checks have it.

    Calendars that leave days out may follow the times.
    """

    watch: Watch | None = None
    """Waits for something new and asks for a run at once. Few checks have it."""

    examine: Callable[[Any], Awaitable[Iterable[str] | None]] | None = None
    """Says what is wrong with the things that the parameters name. Few checks have it.

    None: it looks at nothing for these parameters.
    """

    examines_this_host: bool = False
    """`examine` looks at this host alone, not at the network. So `validate` asks it, too."""

    runs_last: bool = False
    """It reports on the other modules. After a start it waits until they have run."""


def load_check(name: str) -> Check:
    """Return the check of this name.

    A module of `checks` comes first, then an installed plug-in, then a dotted path. Raises
    `ConfigError` if there is none, or if it is not written as a check must be.
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
        remedy = _remedy(name)
        raise _error(name, f"there is no check '{shortened(name)}'", remedy)
    return _check(name, module)


def known_checks() -> tuple[str, ...]:
    """Return the names of all checks that need no dotted path, sorted."""
    import pkgutil  # needed only here, and rarely

    names = set(_plugins())
    if (package := _import(PACKAGE, PACKAGE)) is not None:
        names |= {module.name for module in pkgutil.iter_modules(package.__path__)}
    return tuple(sorted(name for name in names if not name.startswith("_")))


def _remedy(name: str) -> str:
    """Return what to write in place of a check that does not exist.

    That is our check for a name from another program, else the nearest name, else all names.
    """
    from supervisor.modules.coming_from import answer  # only errors need it

    package = _import(PACKAGE, PACKAGE)
    for directory in package.__path__ if package is not None else ():
        if found := answer(name, Path(directory)):
            return found
    return advice(name, known_checks(), "known checks are")


def _is_simple(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")


def look_again() -> None:
    """Let later calls find what was installed since the last one."""
    importlib.invalidate_caches()
    _plugins.cache_clear()


@cache  # this takes a millisecond, and a service may have thousands of modules
def _plugins() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes 20 ms, and is rarely needed

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _import(name: str, path: str, *, missing_is_unknown: bool = True) -> ModuleType | None:
    """Return the module, or None when there is no such module."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        # If another name is missing, the module exists, and it is its own import that fails.
        absent = error.name is not None and f"{path}.".startswith(f"{error.name}.")
        if absent and missing_is_unknown:
            return None
        why = f"{type(error).__name__}: {error}"
    except (Exception, SystemExit) as error:  # an import may raise anything
        why = f"{type(error).__name__}: {error}"
    text = shortened(why, most=300)
    raise _error(name, f"check '{name}' cannot be imported: {text}", f"see {path}")


def _check(name: str, module: ModuleType) -> Check:
    params = getattr(module, "Params", NoParams)
    run = getattr(module, "run", None)
    if not isinstance(params, type) or not attrs.has(params):
        raise _error(
            name, f"Params of check '{name}' is not an attrs class", "write @frozen above it"
        )
    if not inspect.iscoroutinefunction(run):
        raise _error(name, f"check '{name}' has no async function run", f"write {_RUN_SIGNATURE}")
    try:
        inspect.signature(run).bind(None, None)
    except TypeError:
        wrong = f"run of check '{name}' does not take two arguments"
        raise _error(name, wrong, f"write {_RUN_SIGNATURE}") from None
    doc = inspect.cleandoc(module.__doc__ or "")
    return Check(
        name=name,
        params=params,
        run=run,
        doc=doc,
        expects=getattr(module, "expects", None),
        watch=_optional(name, module, "watch", _WATCH_SIGNATURE),
        examine=_optional(name, module, "examine", _EXAMINE_SIGNATURE),
        examines_this_host=getattr(module, "EXAMINES_THIS_HOST", False) is True,
        runs_last=getattr(module, "RUNS_LAST", False) is True,
    )


def _optional(name: str, module: ModuleType, function: str, signature: str) -> Any:
    """Return a function that few checks have, or None. One that is not async does not count."""
    found = getattr(module, function, None)
    if not inspect.iscoroutinefunction(found):
        return None
    arguments = signature.count(",") + 1
    try:
        inspect.signature(found).bind(*[None] * arguments)
    except TypeError:
        number = {1: "one argument", 3: "three arguments"}[arguments]
        wrong = f"{function} of check '{name}' does not take {number}"
        raise _error(name, wrong, f"write {signature}") from None
    return found


def _error(name: str, wrong: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("checks", shortened(name), wrong, remedy)])
