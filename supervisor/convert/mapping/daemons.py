"""The daemons of `commonDaemonCheck`, without the legacy agent itself."""

from __future__ import annotations

from supervisor.convert.mapping import fields
from supervisor.convert.mapping.fields import Desk
from supervisor.convert.mapping.journal import Section
from supervisor.convert.service_file.toml import Item, Table, table

AGENT = "alertmanager_"
_COLUMNS = {
    "DaemonName": ("name", fields.text),
    "HostNames": ("hosts", fields.comma_list),
    "SpecificDaemonNames": ("processes", fields.text_list),
    "MonitorStatus": ("monitor", fields.flag),
    "EventType": ("event_type", fields.text),
}


def convert(desk: Desk, section: Section, params: Table) -> None:
    """Add `exclude_pid_check` and `daemons`; those of the agent are commented out."""
    excluded = section.value("ExcludePidCheck", "exclude_pid_check")
    if excluded is not None:
        params.put("exclude_pid_check", fields.comma_list(desk, "ExcludePidCheck", excluded))
    made: list[Item] = []
    pair = section.node.get("DaemonInfos")
    for row in fields.rows(desk, section, "DaemonInfos", "daemons"):
        number = sum(not item.disabled for item in made)
        row.target = f"{section.target}.daemons[{number}]"
        made += _daemon(desk, row)
        row.close()
    params.put("daemons", Item(tuple(made), pair.span if pair else None))


def _daemon(desk: Desk, row: Section) -> list[Item]:
    entries: dict[str, Item | None] = {}
    for legacy, (name, field) in _COLUMNS.items():
        node = row.value(legacy, name)
        entries[name] = None if node is None else field(desk, legacy, node)
    if (monitor := entries.get("monitor")) is not None and monitor.value is False:
        entries["monitor"] = None
    ours, others = _split(entries)
    made = []
    if ours:
        names = ", ".join(ours)
        said = f"daemon {names} is the legacy agent itself: commented out"
        desk.journal.warn(row.line, said)
        kept = None if others else entries
        shown = kept or {**entries, "processes": Item(tuple(Item(name) for name in ours))}
        made.append(table(shown, row.node.span).disable())
    if others or not ours:
        if ours:
            entries["processes"] = Item(tuple(Item(name) for name in others))
        made.append(table(entries, row.node.span))
    return made


def _split(entries: dict[str, Item | None]) -> tuple[list[str], list[str]]:
    """Return the processes that are the agent's, and the others; the name, if it has none."""
    processes, name = entries["processes"], entries["name"]
    items: tuple[object, ...] = ()
    if processes is not None and isinstance(processes.value, tuple):
        items = processes.value
    elif name is not None:
        items = (name,)
    names = [str(item.value) for item in items if isinstance(item, Item)]
    ours = [each for each in names if each.startswith(AGENT)]
    return ours, [each for each in names if not each.startswith(AGENT)]
