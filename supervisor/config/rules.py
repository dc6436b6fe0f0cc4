"""Rules between the values of a service file: what must fit together.

The rules read the plain TOML tables, so that they apply even when another value is wrong. They
ignore a value that is wrong by itself: `structure` reports that one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from supervisor.config import notation, schema_text, strict
from supervisor.config.problems import KeyProblem, split
from supervisor.config.service import LABEL_NAME, UTF8_LABEL_NAME
from supervisor.config.times import parse_times
from supervisor.files import regular_file, why
from supervisor.observations import Duration
from supervisor.text import duration, shortened

Table: TypeAlias = Mapping[str, Any]
"""A table of a TOML document."""

MAX_PEM_BYTES = 16 << 20
"""The size of a file of certificates at most."""

_TIMES = 'write for example at = ["09:00", "10:00-12:00"]'
_LISTEN = 'add token = { credential = "status-token" }, or listen on 127.0.0.1'


def between(
    document: Table, directory: Path, report_lifetime: float, min_visible: float
) -> Iterator[KeyProblem]:
    """Yield what does not fit together in the document.

    `report_lifetime` and `min_visible` are the defaults, in seconds. Relative paths start at
    `directory`.
    """
    alertmanager = table(document.get("alertmanager"))
    lifetime = _seconds(document, "report_lifetime", report_lifetime)
    visible = _seconds(alertmanager, "min_visible", min_visible)
    if lifetime is not None and visible is not None and lifetime <= visible:
        least = duration(visible)
        wrong = f"is not longer than alertmanager.min_visible ({least})"
        yield KeyProblem(("report_lifetime",), wrong, f"write more than {least}")
    yield from _peers(alertmanager)
    yield from _credentials(alertmanager)
    yield from _files(alertmanager, directory)
    yield from _listener(table(document.get("status")))
    if fallback := table(document.get("fallback")):
        from supervisor.config.fallback.rules import wrong_fallback  # few files have one

        yield from wrong_fallback(fallback, alertmanager.get("urls"))
    modules = tables(document.get("modules"))
    yield from _names(modules)
    if alertmanager.get("utf8_labels") is not True:
        yield from _utf8_labels(("labels",), document)
        for index, module in modules:
            yield from _utf8_labels(("modules", index, "labels"), module)
    for index, module in modules:
        yield from _schedule(("modules", index), module)
        for number, during in tables(module.get("during")):
            from supervisor.config.calendars.ranges import wrong_ranges  # few modules have them

            yield from wrong_ranges(("modules", index, "during", number), during)
    if maintenance := tables(document.get("maintenance")):
        from supervisor.config.calendars.ranges import wrong_windows  # few files have them

        names = [module.get("name", default_name(module)) for _, module in modules]
        yield from wrong_windows(maintenance, names)


def table(value: object) -> Table:
    """Return the value if it is a table, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def tables(value: object) -> Sequence[tuple[int, Table]]:
    """Return the tables of a list with their positions; other items are left out."""
    items = value if isinstance(value, list) else []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def default_name(module: Table) -> str:
    """Return the name of a module without one: its check's, or the last part of a dotted path."""
    check = module.get("check")
    return check.rpartition(".")[2] if isinstance(check, str) else ""


def _seconds(values: Table, key: str, default: float | None) -> float | None:
    if key not in values:
        return default
    with suppress(ValueError):
        return strict.duration(values[key], Duration)
    return None


def _peers(alertmanager: Table) -> Iterator[KeyProblem]:
    urls = alertmanager.get("urls")
    peers: list[tuple[int, Hashable]] = []
    for index, text in enumerate(urls if isinstance(urls, list) else ()):
        with suppress(ValueError):
            peers.append((index, notation.same_peer(notation.url(text, str))))
    for index, first in _repeated(peers):
        wrong = f"is the same peer as urls[{first}]"
        yield KeyProblem(("alertmanager", "urls", index), wrong, "list each peer once")


def _repeated(items: Iterable[tuple[int, Hashable]]) -> Iterator[tuple[int, int]]:
    """Yield the positions of each value that was there before: its own, and the first one's."""
    positions: dict[Hashable, int] = {}
    for index, value in items:
        if (first := positions.setdefault(value, index)) != index:
            yield index, first


def _utf8_labels(path: tuple[str | int, ...], owner: Table) -> Iterator[KeyProblem]:
    """Yield the labels whose names not every Alertmanager takes."""
    for name in table(owner.get("labels")):
        if UTF8_LABEL_NAME.fullmatch(name) and not LABEL_NAME.fullmatch(name):
            remedy = (
                f"{notation.NAME_REMEDY}; or, if each peer takes such names, which doctor tells, "
                "set utf8_labels = true in [alertmanager]"
            )
            yield KeyProblem((*path, name), "is not a label name", remedy)


def _credentials(alertmanager: Table) -> Iterator[KeyProblem]:
    if "username" in alertmanager and "bearer_token" in alertmanager:
        remedy = "keep username and password, or bearer_token"
        yield KeyProblem(
            ("alertmanager", "bearer_token"), "is given together with username", remedy
        )
    if "username" in alertmanager and "password" not in alertmanager:
        remedy = f"add password = {schema_text.THREE_FORMS}"
        yield KeyProblem(("alertmanager", "username"), "is given without password", remedy)
    if "password" in alertmanager and "username" not in alertmanager:
        remedy = "add username = …"
        yield KeyProblem(("alertmanager", "password"), "is given without username", remedy)


def _files(alertmanager: Table, directory: Path) -> Iterator[KeyProblem]:
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if key in alertmanager and other not in alertmanager:
            remedy = f'add {other} = "/path/to/file"'
            yield KeyProblem(("alertmanager", key), f"is given without {other}", remedy)
    for key in ("ca_file", "cert_file", "key_file"):
        path = alertmanager.get(key)
        if not isinstance(path, str) or not path:
            continue
        try:
            with regular_file(directory / path, MAX_PEM_BYTES):
                pass
        except OSError as error:
            wrong = f"cannot be read: {shortened(path)}: {why(error)}"
            yield KeyProblem(("alertmanager", key), wrong, "give the path of a readable PEM file")
        except ValueError:
            continue  # a NUL in the path: `structure` reports it


def _listener(status: Table) -> Iterator[KeyProblem]:
    listen = status.get("listen")
    if not isinstance(listen, str) or not listen or "token" in status:
        return
    with suppress(ValueError):
        host, _ = notation.split_listen(listen)
        if not notation.is_loopback(host):
            yield KeyProblem(
                ("status", "listen"), "is not loopback, and there is no token", _LISTEN
            )


def _names(modules: Sequence[tuple[int, Table]]) -> Iterator[KeyProblem]:
    names = {index: module.get("name", default_name(module)) for index, module in modules}
    given = [(index, name) for index, name in names.items() if name and isinstance(name, str)]
    for index, first in _repeated(given):
        wrong = f"'{shortened(names[index])}' is the name of module {first + 1} too"
        path = ("modules", index, "name")
        remedy = "give each module its own name = …"
        yield KeyProblem(path, wrong, remedy, ("modules", first, "name"))


def _schedule(path: tuple[str, int], module: Table) -> Iterator[KeyProblem]:
    at = module.get("at", [])
    if "every" not in module and at == []:
        wrong = "has neither every nor at"
        yield KeyProblem(path, wrong, 'write for example every = "5m" or at = ["09:00"]')
    if "every" not in module and isinstance(module.get("clear_after"), str):
        wrong = "is a time, and the module has no every"
        yield KeyProblem((*path, "clear_after"), wrong, "write a number of runs, such as 2")
    if module.get("except") and at == []:
        yield KeyProblem(
            (*path, "except"), "is given without at", 'write for example at = ["09:00"]'
        )
    # An `every` that is wrong by itself makes no time of `at` wrong.
    every = _seconds(module, "every", None) or (60.0 if "every" in module else None)
    if every is not None and every < 1 and at != []:
        yield KeyProblem((*path, "every"), "is less than 1s, with at", 'write "1s" or more')
        return
    for index, text in enumerate(at if isinstance(at, list) else ()):
        if isinstance(text, str):
            try:
                parse_times([text], every)
            except ValueError as error:
                yield KeyProblem((*path, "at", index), *split(error, _TIMES))
