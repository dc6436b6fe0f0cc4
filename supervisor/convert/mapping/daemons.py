"""The daemons of `commonDaemonCheck`, without the legacy agent itself."""

from __future__ import annotations

from supervisor.convert.mapping import fields
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.journal import LegacySection
from supervisor.convert.mapping.rows import Columns, Entries, read_columns, read_rows
from supervisor.convert.service_file.toml import Item, Table, inline_table, texts

AGENT = "alertmanager_"
"""How the names of the legacy agent's processes begin."""

_COLUMNS: Columns = {
    "DaemonName": ("name", fields.text),
    "HostNames": ("hosts", fields.comma_list),
    "SpecificDaemonNames": ("processes", fields.text_list),
    "MonitorStatus": ("monitor", fields.flag),
    "EventType": ("event_type", fields.text),
}
"""The keys of one daemon."""


def convert(context: FileContext, section: LegacySection, params: Table) -> None:
    """Add `exclude_pid_check` and `daemons`; those of the agent are commented out."""
    with context.journal.attempt(section.key("exclude_pid_check")):
        excluded = section.value("ExcludePidCheck", "exclude_pid_check")
        if excluded is not None:
            params.put("exclude_pid_check", fields.comma_list(context, "ExcludePidCheck", excluded))
    made: list[Item] = []
    pair = section.node.get("DaemonInfos")
    for row in read_rows(context, section, "DaemonInfos", "daemons"):
        number = sum(not item.disabled for item in made)
        row.target = f"{section.target}.daemons[{number}]"
        made += _daemon(context, row)
        row.close()
    params.put("daemons", Item(tuple(made), pair.span if pair else None))


def _daemon(context: FileContext, row: LegacySection) -> list[Item]:
    """Return the daemon; if the agent is among its processes, that part by itself before it."""
    entries = read_columns(context, row, _COLUMNS)
    if (monitor := entries["monitor"]) is not None and monitor.value is False:
        entries["monitor"] = None
    agent, others = _split(entries)
    if not agent:
        return [inline_table(entries, row.node.span)]
    said = f"daemon {', '.join(agent)} is the legacy agent itself: commented out"
    context.journal.warn(row.line, said)
    if not others:
        return [inline_table(entries, row.node.span).disable()]
    return [
        inline_table({**entries, "processes": texts(agent)}, row.node.span).disable(),
        inline_table({**entries, "processes": texts(others)}, row.node.span),
    ]


def _split(entries: Entries) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the processes that are the agent's, and the others; the name, if it has none."""
    processes, name = entries["processes"], entries["name"]
    items: tuple[object, ...] = ()
    if processes is not None and isinstance(processes.value, tuple):
        items = processes.value
    elif name is not None:
        items = (name,)
    names = [str(item.value) for item in items if isinstance(item, Item)]
    agent = tuple(each for each in names if each.startswith(AGENT))
    return agent, tuple(each for each in names if not each.startswith(AGENT))
