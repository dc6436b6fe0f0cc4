"""How a legacy mapping becomes a table, key by key.

Used for each section whose keys are known in advance.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Sequence, is_null
from supervisor.convert.mapping import fields
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.mapping.fields import ReadValue, kind
from supervisor.convert.mapping.journal import LegacySection
from supervisor.convert.service_file.toml import Item, inline_table

Columns: TypeAlias = dict[str, tuple[str, ReadValue]]
"""Legacy keys, each with the key that it becomes and the function that reads its value."""

Entries: TypeAlias = dict[str, Item | None]
"""Keys of the service file with their values; None where the legacy key is missing."""


@frozen
class Rows:
    """A list of mappings that becomes a list of tables."""

    key: str
    """The legacy key of the list."""

    target: str
    """The key of the service file that gets the list."""

    columns: Columns
    """The keys of each item, in the order of the service file; `EventType` is added to them."""


def read_columns(context: FileContext, row: LegacySection, columns: Columns) -> Entries:
    """Return the values of a mapping, in the order of the columns."""
    entries: Entries = {}
    for legacy, (name, read) in columns.items():
        entries[name] = None
        with context.journal.attempt(row.key(name)):
            node = row.value(legacy, name)
            entries[name] = None if node is None else read(context, legacy, node)
    return entries


def read_list(context: FileContext, section: LegacySection, rows: Rows) -> Item:
    """Return a list of inline tables."""
    made = []
    pair = section.node.get(rows.key)
    columns = {**rows.columns, "EventType": ("event_type", fields.text)}
    for number, row in enumerate(read_rows(context, section, rows.key, rows.target)):
        row.target = f"{section.target}.{rows.target}[{number}]"
        made.append(inline_table(read_columns(context, row, columns), row.node.span))
        row.close()
    return Item(tuple(made), pair.span if pair else None)


def read_rows(
    context: FileContext, section: LegacySection, key: str, target: str
) -> list[LegacySection]:
    """Return the mappings of a list, each as a section of its own."""
    pair = section.take(key, target)
    if pair is None or is_null(pair.value):
        context.journal.warn(pair.span.first if pair else section.line, f"{key} is empty")
        return []
    items = pair.value.items if isinstance(pair.value, Sequence) else [pair.value]
    found = []
    for index, item in enumerate(items):
        with context.journal.attempt():
            if not isinstance(item, Mapping):
                wrong = f"has {kind(item)} in {key} where a mapping must be"
                raise Fault(item.span.first, wrong, f"write the keys of one item below {key}:")
            path = f"{section.at(key)}[{index}]"
            found.append(LegacySection(item, path, "", context.journal))
    if items and not found:
        context.journal.lack(section.key(target))
    return found
