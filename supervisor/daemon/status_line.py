"""Tell people and systemd how the running supervisor is. Called by the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from logging import getLogger
from zoneinfo import ZoneInfo

import trio
from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.alerts.self_alerts import RELOAD_FAILED
from supervisor.delivery.peer import PeerStatus
from supervisor.host.systemd import Notifier
from supervisor.ledger.outbox import Outbox
from supervisor.stats.module_stats import ModuleStats
from supervisor.text import columns, counted, not_looked, seconds

STATUS_DELAY = 2.0
"""Seconds at least between two status lines."""

_log = getLogger("supervisor")


@frozen
class StatusLine:
    """Tells how many modules run, how many alerts fire, and how many wait to be delivered."""

    outbox: Outbox
    """The alerts, and what must be sent."""

    notifier: Notifier
    """Tells systemd."""

    stats: Mapping[str, ModuleStats]
    """What each module has done."""

    def say_ready(self, stats: Iterable[ModuleStats], now: float) -> None:
        """Log the modules with their next runs, and tell systemd that all have started."""
        service = self.outbox.store.service
        target = ", ".join(service.alertmanager.urls) or "this console (no Alertmanager)"
        url = service.status.external_url or f"http://{service.status.listen}/"
        page = f"; status page at {url}" if service.status.listen else ""
        enabled = counted(self._enabled(), "module")
        table = start_table(stats, service.timezone, now)
        _log.info("%s: %s, reporting to %s%s\n%s", service.service, enabled, target, page, table)
        self.notifier.notify("READY=1", f"STATUS={enabled}, reporting to {target}")

    def say_stopping(self) -> None:
        """Say that the supervisor stops."""
        _log.info("stopping")
        self.notifier.notify("STOPPING=1", "STATUS=stopping")

    async def keep_up_to_date(
        self, peers: Callable[[], Sequence[PeerStatus]], changed: trio.lowlevel.ParkingLot
    ) -> None:
        """Tell systemd the status when it has changed. `changed` wakes this task."""
        told = ""
        while self.notifier.address:
            text = f"STATUS={self._text(peers())}"
            if text != told:
                told = text
                self.notifier.notify(text)
            await changed.park()
            await trio.sleep(STATUS_DELAY)

    def _text(self, peers: Iterable[PeerStatus]) -> str:
        firing = sum(alert.state is State.FIRING for alert in self.outbox.store.alerts.values())
        waiting = max((len(self.outbox.pending(peer.url)) for peer in peers), default=0)
        text = f"{counted(self._enabled(), 'module')}, {firing} firing, {waiting} to be delivered"
        awaited = sum(stats.is_awaited for stats in self.stats.values())
        if unknown := not_looked(awaited, self._enabled()):
            text += f", {unknown}"
        if RELOAD_FAILED.key() in self.outbox.store.sightings.get(SUPERVISOR, {}):
            text += ", the last reload failed"
        return text

    def _enabled(self) -> int:
        return sum(module.enabled for module in self.outbox.store.service.modules)


def start_table(stats: Iterable[ModuleStats], timezone: ZoneInfo, now: float) -> str:
    """Return the modules with their next runs."""
    rows = [("MODULE", "CHECK", "NEXT RUN")]
    for module in stats:
        if module.next_run is None:
            due = "disabled"
        else:
            at = datetime.fromtimestamp(module.next_run, timezone)
            due = f"{at:%H:%M:%S} (in {seconds(module.next_run - now)})"
        rows.append((module.name, module.check, due))
    return "\n".join(f"  {line}" for line in columns(rows))
