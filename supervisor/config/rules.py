"""What the values of a service file must be to each other.

The rules read the plain TOML tables, so that they also speak when another value is wrong;
a value that is wrong by itself is left to its own fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from supervisor.config import notation, schema_text, strict
from supervisor.config.problems import Fault, split
from supervisor.config.times import parse_times
from supervisor.observations import Duration
from supervisor.text import duration, shortened

Table: TypeAlias = Mapping[str, Any]

_TIMES = 'write for example at = ["09:00", "10:00-12:00"]'
_LOOPBACK = 'add token = { credential = "status-token" }, or listen on 127.0.0.1'


def between(
    document: Table, directory: Path, report_lifetime: float, min_visible: float
) -> Iterator[Fault]:
    """Yield what does not fit together; the two durations are the defaults, in seconds.

    Relative paths are seen from the directory.
    """
    alertmanager = table(document.get("alertmanager"))
    lifetime = _seconds(document, "report_lifetime", report_lifetime)
    visible = _seconds(alertmanager, "min_visible", min_visible)
    if lifetime is not None and visible is not None and lifetime <= visible:
        least = duration(visible)
        wrong = f"is not longer than alertmanager.min_visible ({least})"
        yield Fault(("report_lifetime",), wrong, f"write more than {least}")
    yield from _peers(alertmanager)
    yield from _credentials(alertmanager)
    yield from _files(alertmanager, directory)
    yield from _listener(table(document.get("status")))
    modules = tables(document.get("modules"))
    yield from _names(modules)
    for index, module in modules:
        yield from _schedule(("modules", index), module)


def table(value: object) -> Table:
    """Return the value if it is a table, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def tables(value: object) -> Sequence[tuple[int, Table]]:
    """Return a list's tables with their positions, leaving out what is none."""
    items = value if isinstance(value, list) else []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def default_name(module: Table) -> str:
    """Return a module's name when it has none: the check's, the last part of a dotted path."""
    check = module.get("check")
    return check.rpartition(".")[2] if isinstance(check, str) else ""


def _seconds(values: Table, key: str, default: float | None) -> float | None:
    if key not in values:
        return default
    with suppress(ValueError):
        return strict.duration(values[key], Duration)
    return None


def _peers(alertmanager: Table) -> Iterator[Fault]:
    urls = alertmanager.get("urls")
    first: dict[object, int] = {}
    for index, text in enumerate(urls if isinstance(urls, list) else ()):
        with suppress(ValueError):
            peer = notation.same_peer(notation.url(text, str))
            if (earlier := first.setdefault(peer, index)) != index:
                wrong = f"is the same peer as urls[{earlier}]"
                yield Fault(("alertmanager", "urls", index), wrong, "list each peer once")


def _credentials(alertmanager: Table) -> Iterator[Fault]:
    if "username" in alertmanager and "bearer_token" in alertmanager:
        remedy = "keep username and password, or bearer_token"
        yield Fault(("alertmanager", "bearer_token"), "is given together with username", remedy)
    if "username" in alertmanager and "password" not in alertmanager:
        remedy = f"add password = {schema_text.THREE_FORMS}"
        yield Fault(("alertmanager", "username"), "is given without password", remedy)
    if "password" in alertmanager and "username" not in alertmanager:
        remedy = "add username = …"
        yield Fault(("alertmanager", "password"), "is given without username", remedy)


def _files(alertmanager: Table, directory: Path) -> Iterator[Fault]:
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if key in alertmanager and other not in alertmanager:
            remedy = f'add {other} = "/path/to/file"'
            yield Fault(("alertmanager", key), f"is given without {other}", remedy)
    for key in ("ca_file", "cert_file", "key_file"):
        path = alertmanager.get(key)
        if not isinstance(path, str) or not path:
            continue
        try:
            with open(directory / path, "rb"):
                pass
        except OSError as error:
            wrong = f"cannot be read: {shortened(path)}: {error.strerror}"
            yield Fault(("alertmanager", key), wrong, "give the path of a readable PEM file")
        except ValueError:
            continue  # a NUL in the path, which is a fault of its own


def _listener(status: Table) -> Iterator[Fault]:
    listen = status.get("listen")
    if not isinstance(listen, str) or not listen or "token" in status:
        return
    with suppress(ValueError):
        host, _ = notation.split_listen(listen)
        if not notation.is_loopback(host):
            yield Fault(("status", "listen"), "is not loopback, and there is no token", _LOOPBACK)


def _names(modules: Sequence[tuple[int, Table]]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, module in modules:
        name = module.get("name", default_name(module))
        if not isinstance(name, str) or not name:
            continue
        if (earlier := first.setdefault(name, index)) != index:
            wrong = f"'{shortened(name)}' is the name of modules[{earlier}] too"
            yield Fault(("modules", index, "name"), wrong, "give each module its own name = …")


def _schedule(path: tuple[str, int], module: Table) -> Iterator[Fault]:
    at = module.get("at", [])
    if "every" not in module and at == []:
        name = shortened(str(module.get("name", default_name(module))))
        wrong = f"module '{name}' has neither every nor at" if name else "has neither every nor at"
        yield Fault(path, wrong, 'write for example every = "5m" or at = ["09:00"]')
    # An `every` that is wrong by itself says nothing about the times.
    every = _seconds(module, "every", None) or (60.0 if "every" in module else None)
    if every is not None and every < 1 and at != []:
        yield Fault((*path, "every"), "is less than 1s, with at", 'write "1s" or more')
        return
    for index, text in enumerate(at if isinstance(at, list) else ()):
        if isinstance(text, str):
            try:
                parse_times([text], every)
            except ValueError as error:
                yield Fault((*path, "at", index), *split(error, _TIMES))
