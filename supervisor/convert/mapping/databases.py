"""The database servers of the PNR modules; each password becomes a secret."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Scalar, to_s
from supervisor.convert.mapping import fields
from supervisor.convert.mapping.fields import Desk
from supervisor.convert.mapping.journal import Section
from supervisor.convert.service_file.toml import Item, Table, table

SERVER = "DatabaseServer"
_MONITORING = ("MonitoringDatabaseServer", "MonitorDatabaseServer")


def one(legacy: str, name: str) -> Callable[[Desk, Section, Table], None]:
    """Return the conversion of one server."""

    def convert(desk: Desk, section: Section, params: Table) -> None:
        params.put(name, _server(desk, section, legacy, name))

    return convert


def two(desk: Desk, section: Section, params: Table) -> None:
    """Add `pnr_database` and `monitoring_database`."""
    params.put("pnr_database", _server(desk, section, "PNRDatabaseServer", "pnr_database"))
    _monitoring(desk, section, params)


def several(desk: Desk, section: Section, params: Table) -> None:
    """Add `databases`, each `…DatabaseServer` in its order, and `monitoring_database`."""
    made: list[Item] = []
    for pair in section.node.pairs.values():
        key = to_s(pair.key)
        if key.endswith(SERVER) and key not in _MONITORING:
            server = _server(desk, section, key, f"databases[{len(made)}]")
            made += [server] if server is not None else []
    params.put("databases", Item(tuple(made)))
    _monitoring(desk, section, params)


def _monitoring(desk: Desk, section: Section, params: Table) -> None:
    for key in _MONITORING:
        if (server := _server(desk, section, key, "monitoring_database")) is not None:
            params.put("monitoring_database", server)


def _server(desk: Desk, section: Section, legacy: str, name: str) -> Item | None:
    pair = section.take(legacy, name)
    if pair is None or (isinstance(pair.value, Scalar) and pair.value.is_null):
        return None
    if not isinstance(pair.value, Mapping):
        wrong = f"has for {legacy} no mapping"
        raise Fault(pair.value.span.first, wrong, "write HostName, UserName and so on below it")
    target = f"{section.target}.{name}"
    row = Section(pair.value, section.at(legacy), target, desk.journal)
    entries: dict[str, Item | None] = {}
    for key, (column, field) in {
        "HostName": ("host", fields.text),
        "PortNumber": ("port", fields.integer),
        "Socket": ("socket", fields.text),
        "UserName": ("user", fields.text),
    }.items():
        node = row.value(key, column)
        entries[column] = None if node is None else field(desk, key, node)
    entries["password"] = _password(desk, row, entries)
    for key, (column, field) in {
        "DatabaseName": ("name", fields.text),
        "PollTimeout": ("read_timeout", fields.seconds),
    }.items():
        node = row.value(key, column)
        entries[column] = None if node is None else field(desk, key, node)
    row.close()
    if entries["name"] is None:
        said = f"{legacy} has no DatabaseName: write name = … unless the SQL names its database"
        desk.journal.warn(pair.span.first, said)
    return table(entries, pair.span)


def _password(desk: Desk, row: Section, entries: dict[str, Item | None]) -> Item | None:
    node = row.value("Password", "password")
    if node is None:
        return None
    if not isinstance(node, Scalar):
        raise Fault(node.span.first, "has for Password no text", "write the password in quotes")
    text = node.value if isinstance(node.value, str) else node.text
    if not isinstance(node.value, str):
        said = "Password is no text to YAML: what is written is used as the password"
        desk.journal.warn(node.span.first, said)
    if not text:
        desk.journal.warn(node.span.first, "Password is empty: left out")
        return None
    if text != text.rstrip("\r\n"):
        desk.journal.warn(node.span.first, "Password ends with a line break, which is left out")
    user, host = (str(item.value) if item else "" for item in (entries["user"], entries["host"]))
    port = str(item.value) if (item := entries["port"]) else ""
    name = desk.kept.get((id(node), text)) or desk.vault.keep(
        f"{desk.name}-{user}-{host}", text, desk.name, user, host, port
    )
    desk.kept[id(node), text] = name
    reference = desk.vault.reference(name)
    return Item(reference.value, node.span, is_table=True)
