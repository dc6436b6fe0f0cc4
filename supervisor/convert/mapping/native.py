"""The legacy modules that have a check of their own, and what each of their parameters becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import Factory, frozen

from supervisor.convert.mapping import daemons, databases, fields
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.journal import LegacySection
from supervisor.convert.mapping.rows import Columns, Rows, read_list
from supervisor.convert.service_file.toml import Table

ReadSection: TypeAlias = Callable[[FileContext, LegacySection, Table], None]
"""Takes what is more than one key to one value: reads the section and adds to the table."""


@frozen
class Native:
    """What the Parameter of one legacy module becomes."""

    check: str
    """The name of the check."""

    simple: Columns = Factory(dict)
    """The keys with a single value."""

    rows: Rows | None = None
    """The list of tables, for a check that has one."""

    rest: ReadSection | None = None
    """A function for what is neither a single value nor a list of tables."""

    def convert(self, context: FileContext, section: LegacySection, params: Table) -> None:
        """Read the legacy parameters into the table; what is not read stays unmapped.

        The journal gets the faults of single values.
        """
        for legacy, (name, read) in self.simple.items():
            with context.journal.attempt(section.key(name)):
                node = section.value(legacy, name)
                params.put(name, None if node is None else read(context, legacy, node))
        if self.rows is not None:
            params.put(self.rows.target, read_list(context, section, self.rows))
        if self.rest is not None:
            self.rest(context, section, params)


def _filesystems(check: str, limit: str) -> Native:
    """Return what a check of filesystems becomes, given the legacy key of their limit."""
    columns: Columns = {
        "Filesystem": ("filesystem", fields.text),
        limit: ("max_use_percent", fields.integer),
        "DiskBackup": ("backup", fields.flag),
    }
    return Native(check, rows=Rows("FilesystemList", "filesystems", columns))


_CONNECTION = Native(
    "connection",
    rows=Rows(
        "SendingServerList",
        "servers",
        {
            "ServerName": ("name", fields.text),
            "HostName": ("host", fields.text),
            "PortNumber": ("port", fields.integer),
        },
    ),
)
"""TCP connections to servers."""

_ROUTING_TABLE = Native(
    "routing_table",
    rows=Rows(
        "RoutingTableList",
        "routes",
        {
            "Destination": ("destination", fields.text),
            "Gateway": ("gateway", fields.text),
            "Genmask": ("netmask", fields.text),
            "Iface": ("interface", fields.text),
        },
    ),
)
"""Routes that must be there."""

_SESSION = Native(
    "session",
    {"TotalSessionCount": ("max_total", fields.integer)},
    rows=Rows(
        "SessionList",
        "sessions",
        {
            "SessionName": ("name", fields.text),
            "SessionPort": ("port", fields.integer),
            "SessionCount": ("limit", fields.integer),
            "SessionCheck": ("when", fields.over_or_under),
            "Alert": ("alert", fields.flag),
        },
    ),
)
"""Established TCP sessions."""

_UNPROCESSED_FILE = Native(
    "unprocessed_file",
    rows=Rows(
        "DirectoryList",
        "directories",
        {
            "Directory": ("directory", fields.text),
            "CreatedTime": ("max_age", fields.minutes),
        },
    ),
)
"""Files that stay too long in a directory."""

_LAST_MESSAGE_DATE = Native(
    "pnr_last_message_date",
    {"ServerName": ("server_name", fields.text)},
    rest=databases.two,
)
"""The date of each service's last message, copied from one database to another."""

_REPORT = Native(
    "pnr_report",
    {
        "TimeZone": ("timezone", fields.zone),
        "ProcessName": ("process_names", fields.text_map),
        "ReportInterval": ("report_interval", fields.report_interval),
        "ExcludeService": ("exclude_services", fields.comma_list),
    },
    rest=databases.several,
)
"""A report on the messages of each airline."""

_PUSH = Native(
    "pnr_push_process",
    {
        "LocalAirportCodeFile": ("airports_file", fields.text),
        "PollingInterval": ("poll_interval", fields.seconds),
        "ProcessTimeover": ("process_within", fields.minutes),
    },
    rest=databases.one,
)
"""Push messages that are not processed in time."""

_NATIVE = {
    "commonConnectionCheck": _CONNECTION,
    "commonDaemonCheck": Native("daemon", rest=daemons.convert),
    "commonDailyCheck": Native("daily", {"TimeZone": ("timezone", fields.zone)}),
    "commonDiskCheck": _filesystems("disk", "DiskSizeUse"),
    "commonInodeCheck": _filesystems("inode", "INodesUse"),
    "commonRoutingTableCheck": _ROUTING_TABLE,
    "commonSessionCheck": _SESSION,
    "commonNoneProcessFileCheck": _UNPROCESSED_FILE,
    "pnrLastMessageDateUpdater": _LAST_MESSAGE_DATE,
    "pnrReport": _REPORT,
}
"""The checks by the legacy module's file name without `.rb`."""


def native_check(stem: str) -> Native | None:
    """Return the check for a module's file name without `.rb`; None if there is none."""
    if stem.startswith("pnrPushProcessCheck"):
        return _PUSH
    return _NATIVE.get(stem)
