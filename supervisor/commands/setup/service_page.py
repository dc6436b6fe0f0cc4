"""The manual page of the service file: each key of its tables, and the parameters of each check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from supervisor.commands.checks import default_text, parameters
from supervisor.commands.setup import roff
from supervisor.commands.setup.schema import loadable_checks
from supervisor.config import schema_text
from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.config.json_schema.field_docs import field_docs
from supervisor.config.service import Alertmanager, Module, Service, StatusListener

TABLES: tuple[tuple[str, str, type[Any]], ...] = (
    ("At the top", "Keys before the first table.", Service),
    ("[alertmanager]", "Where alerts are sent.", Alertmanager),
    ("[status]", "The status page.", StatusListener),
    ("[fallback]", "Who is told when no Alertmanager takes what is owed.", Fallback),
    ("[fallback.mail]", "A mail server, and who gets the mail.", FallbackMail),
    ("[fallback.command]", "A program that gets the text on its standard input.", FallbackCommand),
    ("[[modules]]", "One table for each module: a check with its timetable.", Module),
)
"""The tables of a service file: title, what it is for, and its class."""

FORMS = {
    "duration": '`"90s"`, `"5m"`, `"1h30m"` or a number of seconds.',
    "secret": '`{ credential = "name" }`, `{ file = "/path" }` or `{ env = "NAME" }`. A secret '
    "is never written into the file. A file is refused if others may read it.",
    "path": "A relative path starts at the directory of the service file.",
}
"""How values of some kinds are written."""

OPTIONAL = {"timezone", "name"}
"""Keys without a default in their class, for which `load` has one."""

OWN_TABLES = {"alertmanager", "command", "fallback", "mail", "modules", "params", "status"}
"""Keys whose tables have sections of their own."""

EXAMPLE = """\
service = "SHOP"
timezone = "Europe/Berlin"

[alertmanager]
urls = ["http://127.0.0.1:9093"]

[[modules]]
check = "disk"
every = "1m"
[modules.params]
filesystems = [{ filesystem = "/", max_use_percent = 90 }]
"""
"""A whole service file."""


def lines() -> Iterator[str]:
    """Yield the page."""
    yield from roff.section("Name")
    yield "supervisor\\-service \\- the service file of alertmanager\\-supervisor(1)"
    yield from roff.section("Description")
    yield from roff.paragraph(
        "A service is one file in TOML, /etc/supervisor/NAME.toml for `--service NAME`. "
        "`alertmanager-supervisor validate` prints every problem in it, and what would be right. "
        "A changed file is read after `systemctl reload supervisor@NAME`."
    )
    yield from roff.section("Example")
    yield from roff.example(EXAMPLE.splitlines())
    yield from roff.section("Values")
    for kind, text in FORMS.items():
        yield from roff.item(kind, text)
    yield from roff.section("Keys")
    for title, about, cls in TABLES:
        yield from roff.subsection(title)
        yield from roff.paragraph(about)
        yield from _keys(cls)
    yield from roff.section("Checks")
    yield from roff.paragraph(
        "What stands in `[modules.params]`. Indented keys belong to the table above them."
    )
    for check in loadable_checks():
        yield from roff.subsection(check.name)
        yield from roff.paragraph(check.doc.partition("\n\n")[0])
        for parameter in parameters(check):
            if parameter.depth:
                yield f".RS {4 * parameter.depth}"
            kind = f"({parameter.kind}, {_default(parameter.default)})"
            yield from roff.item(parameter.name, parameter.help, kind)
            if parameter.depth:
                yield ".RE"
    yield from roff.section("See also")
    yield "\\fBalertmanager\\-supervisor\\fR(1)"


def _keys(cls: type[Any]) -> Iterator[str]:
    docs = field_docs(cls)
    for key in schema_text.keys(cls):
        kind = schema_text.kind(key.type)
        if key.name not in OWN_TABLES:
            default = "see below" if key.name in OPTIONAL else default_text(key)
            value = f"({kind}, {_default(default)})"
            yield from roff.item(schema_text.key_name(key), docs.get(key.name, ""), value)
        elif key.name == "params":
            yield from roff.item(key.name, "The check's own: see Checks.", "(table)")


def _default(default: str) -> str:
    return default if default == "required" else f"default {default}"
