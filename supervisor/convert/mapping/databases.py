"""The database servers of the PNR modules; each password becomes a secret."""

from __future__ import annotations

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Scalar, is_null, to_s
from supervisor.convert.mapping import fields
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.journal import LegacySection
from supervisor.convert.mapping.rows import Columns, Entries, read_columns
from supervisor.convert.service_file.toml import Item, Table, inline_table

SERVER = "DatabaseServer"
"""How the legacy key of a database server ends."""

_MONITORING = ("MonitoringDatabaseServer", "MonitorDatabaseServer")
"""The legacy keys of the monitoring database."""

_BEFORE_PASSWORD: Columns = {
    "HostName": ("host", fields.text),
    "PortNumber": ("port", fields.integer),
    "Socket": ("socket", fields.text),
    "UserName": ("user", fields.text),
}
"""The keys of a server that come before its password in the service file."""

_AFTER_PASSWORD: Columns = {
    "DatabaseName": ("name", fields.text),
    "PollTimeout": ("read_timeout", fields.seconds),
}
"""The keys of a server that come after its password in the service file."""


def one(context: FileContext, section: LegacySection, params: Table) -> None:
    """Add `database`."""
    params.put("database", _server(context, section, "DatabaseServer", "database"))


def two(context: FileContext, section: LegacySection, params: Table) -> None:
    """Add `pnr_database` and `monitoring_database`."""
    params.put("pnr_database", _server(context, section, "PNRDatabaseServer", "pnr_database"))
    _monitoring(context, section, params)


def several(context: FileContext, section: LegacySection, params: Table) -> None:
    """Add `databases`, each `…DatabaseServer` in its order, and `monitoring_database`."""
    made: list[Item] = []
    for pair in section.node.pairs.values():
        key = to_s(pair.key)
        if key.endswith(SERVER) and key not in _MONITORING:
            server = _server(context, section, key, f"databases[{len(made)}]")
            made += [server] if server is not None else []
    params.put("databases", Item(tuple(made)))
    _monitoring(context, section, params)


def _monitoring(context: FileContext, section: LegacySection, params: Table) -> None:
    for key in _MONITORING:
        params.put("monitoring_database", _server(context, section, key, "monitoring_database"))


def _server(context: FileContext, section: LegacySection, legacy: str, name: str) -> Item | None:
    """Return the table of a server; an empty one if the journal got a fault of it."""
    with context.journal.attempt(section.key(name)):
        return _read_server(context, section, legacy, name)
    return inline_table({})


def _read_server(
    context: FileContext, section: LegacySection, legacy: str, name: str
) -> Item | None:
    pair = section.take(legacy, name)
    if pair is None or is_null(pair.value):
        return None
    if not isinstance(pair.value, Mapping):
        wrong = f"has {fields.kind(pair.value)} for {legacy} where a mapping must be"
        raise Fault(pair.value.span.first, wrong, "write HostName, UserName and so on below it")
    target = f"{section.target}.{name}"
    row = LegacySection(pair.value, section.at(legacy), target, context.journal)
    entries = read_columns(context, row, _BEFORE_PASSWORD)
    entries["password"] = None
    with context.journal.attempt(row.key("password")):
        entries["password"] = _password(context, row, entries)
    entries |= read_columns(context, row, _AFTER_PASSWORD)
    row.close()
    if entries["name"] is None:
        said = f"{legacy} has no DatabaseName: write name = … unless the SQL names its database"
        context.journal.warn(pair.span.first, said)
    return inline_table(entries, pair.span)


def _password(context: FileContext, row: LegacySection, entries: Entries) -> Item | None:
    node = row.value("Password", "password")
    if node is None:
        return None
    if not isinstance(node, Scalar):
        wrong = f"has for Password {fields.kind(node)}, not a text"
        raise Fault(node.span.first, wrong, "write the password in quotes")
    warn = context.journal.warn
    text = node.value if isinstance(node.value, str) else node.text
    if not isinstance(node.value, str):
        said = "Password is not a text to YAML: what is written is used as the password"
        warn(node.span.first, said)
    if not text:
        warn(node.span.first, "Password is empty: left out")
        return None
    if text != text.rstrip("\r\n"):
        warn(node.span.first, "Password ends with a line break, which is left out")
    user, host, port = (
        str(item.value) if (item := entries[key]) else "" for key in ("user", "host", "port")
    )
    server = (context.name, user, host, port)
    name = context.keep(text, node, f"{context.name}-{user}-{host}", *server)
    reference = context.secrets.reference(name)
    return Item(reference.value, node.span, is_table=True)
