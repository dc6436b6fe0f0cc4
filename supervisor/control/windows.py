"""Maintenance windows, as the status document has them."""

from __future__ import annotations

from supervisor.control.socket_client import JsonObject
from supervisor.ledger.store import Store
from supervisor.schedule.windows import coming
from supervisor.text import rfc3339


def windows(store: Store, now: float) -> list[JsonObject]:
    """Return of each maintenance table the window that holds something, else the next one."""
    return [
        {
            "name": window.maintenance.name,
            "modules": list(window.maintenance.modules),
            "start": rfc3339(window.start),
            "end": rfc3339(window.end),
            "settled": rfc3339(window.settled),
            "holds": window.start <= now,
        }
        for window in coming(store.service, now)
    ]
