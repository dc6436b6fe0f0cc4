"""What a reload would do, for `diff`. Nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from supervisor.alerts.alert import Alert
from supervisor.config import schema_text
from supervisor.config.limits.limit import Limit
from supervisor.config.problems import KeyPath, key_text
from supervisor.config.service import Module, Service
from supervisor.control.socket_client import JsonObject
from supervisor.ledger.outbox import Outbox
from supervisor.modules.tasks import ModuleTasks
from supervisor.recorder.foresight import foresee

TIMETABLE = "timetable"
"""What differs of a module whose own table is the same: other hosts or modules move its times."""


def preview(old: Service, new: Service, modules: ModuleTasks, outbox: Outbox) -> JsonObject:
    """Return what a reload would do with modules, settings and alerts."""
    running = {name: task.module for name, task in modules.tasks.items()}
    wanted = {module.name: module for module in new.modules if module.enabled}
    changed = modules.changed(new)
    foreseen = foresee(outbox, new, modules.clock.now())
    return {
        "service": new.service,
        "start": [name for name in wanted if name not in running],
        "end": [name for name in running if name in changed and name not in wanted],
        "restart": [
            {"module": name, "changed": _keys_of(running[name], wanted[name])}
            for name in running
            if name in changed and name in wanted
        ],
        "unchanged": sum(name not in changed for name in running),
        "settings": [key_text(path) for path in _settings(old, new)],
        "resolve": [_alert(each.before) for each in foreseen if each.before and not each.after],
        "relabel": [
            {**_alert(each.before), "labels": _labels(each.before, each.after)}
            for each in foreseen
            if each.before and each.after
        ],
        "fire": [_alert(each.after) for each in foreseen if each.after and not each.before],
    }


def _keys_of(old: Module, new: Module) -> list[str]:
    """Return the keys of a module that differ."""
    return [key_text(path) for path in differing(old, new)] or [TIMETABLE]


def _settings(old: Service, new: Service) -> Iterator[KeyPath]:
    """Yield what differs outside of the modules."""
    yield from differing(attrs.evolve(old, modules=()), attrs.evolve(new, modules=()))


def differing(old: Any, new: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the keys of two values that differ. No value is told: it may be a secret's name."""
    if old == new:
        return
    is_table = schema_text.kind(type(new)) == "table" and not isinstance(new, Limit)
    if type(old) is type(new) and is_table:
        for field in schema_text.keys(type(new)):
            inner = (*path, schema_text.key_name(field))
            yield from differing(getattr(old, field.name), getattr(new, field.name), inner)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differing(old.get(key), new.get(key), (*path, str(key)))
    else:
        yield path


def _alert(alert: Alert | None) -> JsonObject:
    assert alert is not None  # noqa: S101 - for the type checker
    return {
        "module": alert.module,
        "alertname": alert.alertname,
        "event_type": alert.event_type,
        "instance": alert.instance,
    }


def _labels(before: Alert, after: Alert) -> dict[str, list[str | None]]:
    """Return the labels that differ, each with the old and the new value."""
    old, new = before.payload.labels, after.payload.labels
    return {
        name: [old.get(name), new.get(name)]
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }
