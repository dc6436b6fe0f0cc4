"""Make the context of a run from configuration, store and stats."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from functools import partial
from logging import Logger, LoggerAdapter, getLogger
from typing import Any, Self

from attrs import frozen

from supervisor.alerts.alert import NO_RECORD, Alert
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.config.times import at_labels
from supervisor.host.clock import Clock
from supervisor.ledger.store import Store
from supervisor.modules.context import AlertView, Context, RunView
from supervisor.observations import Json
from supervisor.stats.module_stats import ModuleStats, fit

_log = getLogger("supervisor.checks")


class CheckLog(LoggerAdapter[Logger]):
    """Adds the module's name to every line. In JSON the name is a field of its own."""

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        """Return the message with the module's name before it."""
        fields = dict(self.extra or {})
        return f"{fields['module']}: {msg}", {**kwargs, "extra": {"fields": fields}}


@frozen
class ContextFactory:
    """Makes the context of each run."""

    clock: Clock
    """The host's clock."""

    store: Store
    """The alerts, and what checks keep from run to run."""

    stats: Callable[[], tuple[ModuleStats, ...]] = tuple
    """Returns what each module has done."""

    is_written: Callable[[], bool] = lambda: True
    """Returns whether all that has been published is on the disk."""

    @classmethod
    def without_past(cls, clock: Clock, service: Service) -> Self:
        """Return a factory for runs of which nothing is kept: no alerts, no state."""
        stats: dict[str, ModuleStats] = {}
        fit(stats, service)
        return cls(clock, Store(CurrentConfig(service)), lambda: tuple(stats.values()))

    def context(self, module: Module, kept: Mapping[str, Json] | None = None) -> Context:
        """Return the context for a run of this module that begins now.

        `kept` is what the last run has kept, if that is not in the store yet.
        """
        if kept is None:
            kept = self.store.modules.get(module.name, NO_RECORD).state
        service = self.store.service
        return Context(
            service=service.service,
            host=service.labels["host"],
            module=module.name,
            timezone=service.timezone,
            log=CheckLog(_log, {"module": module.name}),
            clock=self.clock.now,
            at=at_labels(module.at, module.every),
            service_file=service.path.stem,
            state=copy.deepcopy(dict(kept)) if kept else {},
            list_alerts=self._alerts,
            list_runs=self._runs,
            is_on_disk=partial(self._is_on_disk, module.name),
        )

    def _is_on_disk(self, name: str, state: Mapping[str, Json]) -> bool:
        record = self.store.modules.get(name, NO_RECORD)
        return record.state == state and self.is_written()

    def _alerts(self) -> tuple[AlertView, ...]:
        known = (*self.store.alerts.values(), *self.store.history.values())
        return tuple(self._alert(alert) for alert in known)

    def _alert(self, alert: Alert) -> AlertView:
        notes = alert.payload.annotations
        return AlertView(
            alertname=alert.alertname,
            event_type=alert.event_type,
            instance=alert.instance,
            check=alert.module,
            state=alert.state.value,
            message=notes.get("message", ""),
            starts_at=self._local(alert.starts_at),
            ends_at=None if alert.ends_at is None else self._local(alert.ends_at),
        )

    def _runs(self) -> tuple[RunView, ...]:
        return tuple(
            RunView(
                module=stats.name,
                runs=stats.runs,
                failures=stats.failures,
                skipped=stats.skipped.total(),
                last_run=None if stats.last_run is None else self._local(stats.last_run),
                last_result=stats.last_result or "",
                enabled=stats.state != "disabled",
                awaited=stats.is_awaited,
            )
            for stats in self.stats()
        )

    def _local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self.store.service.timezone)
