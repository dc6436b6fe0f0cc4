"""The legacy modules that have a check of their own, and what each of their parameters becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import frozen

from supervisor.convert.mapping import daemons, databases, fields
from supervisor.convert.mapping.fields import Desk, Field
from supervisor.convert.mapping.journal import Section
from supervisor.convert.service_file.toml import Item, Table, table

Whole: TypeAlias = Callable[[Desk, Section, Table], None]
"""Takes what is more than one key to one value: reads the section and adds to the table."""


@frozen
class Rows:
    """A list of mappings that becomes a list of tables."""

    key: str
    target: str
    columns: Mapping[str, tuple[str, Field]]


@frozen
class Native:
    """One check: its simple parameters, its list, and what it needs a function for."""

    check: str
    simple: Mapping[str, tuple[str, Field]] = {}
    rows: Rows | None = None
    whole: Whole | None = None

    def convert(self, desk: Desk, section: Section, params: Table) -> None:
        """Read the legacy parameters into the table; what is not read stays unmapped."""
        for legacy, (name, field) in self.simple.items():
            put(desk, section, params, legacy, name, field)
        if self.rows is not None:
            _put_rows(desk, section, params, self.rows)
        if self.whole is not None:
            self.whole(desk, section, params)


def put(desk: Desk, section: Section, params: Table, legacy: str, name: str, field: Field) -> None:
    """Add one parameter to the table if the section has it."""
    node = section.value(legacy, name)
    if node is not None:
        params.put(name, field(desk, legacy, node))


def _put_rows(desk: Desk, section: Section, params: Table, rows: Rows) -> None:
    made = []
    pair = section.node.get(rows.key)
    for number, row in enumerate(fields.rows(desk, section, rows.key, rows.target)):
        row.target = f"{section.target}.{rows.target}[{number}]"
        made.append(read_row(desk, row, rows.columns))
        row.close()
    params.put(rows.target, Item(tuple(made), pair.span if pair else None))


def read_row(desk: Desk, row: Section, columns: Mapping[str, tuple[str, Field]]) -> Item:
    """Return one inline table, its keys in the order of the columns."""
    entries: dict[str, Item | None] = {}
    for legacy, (name, field) in {**columns, "EventType": ("event_type", fields.text)}.items():
        node = row.value(legacy, name)
        entries[name] = None if node is None else field(desk, legacy, node)
    return table(entries, row.node.span)


_SERVERS = Rows(
    "SendingServerList",
    "servers",
    {
        "ServerName": ("name", fields.text),
        "HostName": ("host", fields.text),
        "PortNumber": ("port", fields.integer),
    },
)
_DISKS = Rows(
    "FilesystemList",
    "filesystems",
    {
        "Filesystem": ("filesystem", fields.text),
        "DiskSizeUse": ("max_use_percent", fields.integer),
        "DiskBackup": ("backup", fields.flag),
    },
)
_INODES = Rows(
    "FilesystemList",
    "filesystems",
    {
        "Filesystem": ("filesystem", fields.text),
        "INodesUse": ("max_use_percent", fields.integer),
        "DiskBackup": ("backup", fields.flag),
    },
)
_ROUTES = Rows(
    "RoutingTableList",
    "routes",
    {
        "Destination": ("destination", fields.text),
        "Gateway": ("gateway", fields.text),
        "Genmask": ("netmask", fields.text),
        "Iface": ("interface", fields.text),
    },
)
_SESSIONS = Rows(
    "SessionList",
    "sessions",
    {
        "SessionName": ("name", fields.text),
        "SessionPort": ("port", fields.integer),
        "SessionCount": ("limit", fields.integer),
        "SessionCheck": ("when", fields.over_or_under),
        "Alert": ("alert", fields.flag),
    },
)
_DIRECTORIES = Rows(
    "DirectoryList",
    "directories",
    {
        "Directory": ("directory", fields.text),
        "CreatedTime": ("max_age", fields.minutes),
    },
)

PUSH = Native(
    "pnr_push_process",
    {
        "LocalAirportCodeFile": ("airports_file", fields.text),
        "PollingInterval": ("poll_interval", fields.seconds),
        "ProcessTimeover": ("process_within", fields.minutes),
    },
    whole=databases.one("DatabaseServer", "database"),
)
NATIVE = {
    "commonConnectionCheck": Native("connection", rows=_SERVERS),
    "commonDaemonCheck": Native("daemon", whole=daemons.convert),
    "commonDailyCheck": Native("daily", {"TimeZone": ("timezone", fields.zone)}),
    "commonDiskCheck": Native("disk", rows=_DISKS),
    "commonInodeCheck": Native("inode", rows=_INODES),
    "commonRoutingTableCheck": Native("routing_table", rows=_ROUTES),
    "commonSessionCheck": Native(
        "session", {"TotalSessionCount": ("max_total", fields.integer)}, _SESSIONS
    ),
    "commonNoneProcessFileCheck": Native("unprocessed_file", rows=_DIRECTORIES),
    "pnrLastMessageDateUpdater": Native(
        "pnr_last_message_date",
        {"ServerName": ("server_name", fields.text)},
        whole=databases.two,
    ),
    "pnrReport": Native(
        "pnr_report",
        {
            "TimeZone": ("timezone", fields.zone),
            "ProcessName": ("process_names", fields.text_map),
            "ReportInterval": ("report_interval", fields.report_interval),
            "ExcludeService": ("exclude_services", fields.comma_list),
        },
        whole=databases.several,
    ),
}


def find(stem: str) -> Native | None:
    """Return the check for a module's file name without `.rb`; None if there is none."""
    if stem.startswith("pnrPushProcessCheck"):
        return PUSH
    return NATIVE.get(stem)
