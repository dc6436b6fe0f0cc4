"""A bench for store, cursors and outbox: the test plays the recorder and the senders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, field

from supervisor import text
from supervisor.alerts.alert import Alert
from supervisor.config.service import Alertmanager, Module, Service
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.database import open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing
from supervisor.ledger.store import Store
from supervisor.observations import Condition, Duration, Observation, Report, Run
from supervisor.recorder.reconcile import reconcile
from supervisor.recorder.update import Update

A, B = "http://127.0.0.1:9093", "http://127.0.0.2:9093"
T = 1_000_000.0
DISK = Module("disk", "disk", every=Duration(60))
FULL = Condition("Disk usage", "W", "/", "it is full")
HELLO = Report("Daily", "hello", "<b>hello</b>")


def service_of(*modules: Module, urls: tuple[str, ...] = (A,), **settings: Any) -> Service:
    return Service(
        Path("X.toml"),
        "X",
        ZoneInfo("Asia/Seoul"),
        labels={"host": "h", "site": "s"},
        modules=modules or (DISK,),
        alertmanager=Alertmanager(urls=urls),
        **settings,
    )


def reopened(service: Service, path: Path, now: float = T) -> tuple[Outbox, Path | None]:
    """Return what a new process finds in a ledger, and where a damaged one was set aside."""
    opened = open_ledger(path, now)
    opened.ledger.close()
    outbox = Outbox.of(service)
    outbox.restore(opened.contents)
    return outbox, opened.aside


@define
class LedgerBench:
    """Changes a store as the recorder does, at a time that the test sets."""

    service: Service = field(factory=service_of)
    now: float = T
    outbox: Outbox = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.outbox = Outbox.of(self.service)

    @property
    def store(self) -> Store:
        return self.outbox.store

    @property
    def cursors(self) -> Cursors:
        return self.outbox.cursors

    def work(self, what: Callable[[Update], object]) -> Update:
        update = Update.begin(self.outbox, self.now)
        what(update)
        update.changes.cursors |= self.cursors.take_unsaved()
        self.store.adopt(update.changes)
        self.outbox.requeue(update.changes.alerts)
        return update

    def see(self, *seen: Observation, module: Module | None = None, **run: Any) -> Update:
        module = module or self.service.modules[0]
        done = Run(
            module=module.name,
            scheduled=self.now,
            started=self.now,
            seconds=0.1,
            observations=seen,
            **run,
        )
        update = self.work(lambda update: update.record(module, done, None))
        self.outbox.confirm(module.name)
        return update

    def fail(self, error: str = "it broke") -> Update:
        return self.see(error=error, traceback="Traceback <1>")

    def housekeep(self) -> Update:
        return self.work(lambda update: update.housekeep())

    def take(self, peer: str = A) -> list[Outgoing]:
        return self.outbox.take_due(peer, self.now, 0.0, max_alerts=1000, max_bytes=1 << 20)

    def deliver(self, peer: str = A) -> list[dict[str, Any]]:
        """Let the peer take what is due. Return it decoded."""
        batch = self.take(peer)
        for item in batch:
            self.outbox.delivered(peer, item, self.now)
        return [json.loads(item.data) for item in batch]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def stay(self, seconds: float, *peers: str) -> None:
        """Let time pass. The peers take what is due, and housekeeping does its work."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 10)
            self.housekeep()
            for peer in peers or (A,):
                self.deliver(peer)

    def restart(self, service: Service) -> None:
        """Start again as the daemon does, from what the ledger would hold."""
        whole = self.store.contents()
        whole.cursors |= self.cursors.contents()
        self.service, self.outbox = service, Outbox.of(service)
        self.outbox.restore(whole)
        self.outbox.forget_other_peers()
        self.work(lambda update: reconcile(update))
        self.outbox.await_confirmation(self.now)

    def only(self) -> Alert:
        (alert,) = self.store.alerts.values()
        return alert

    def states(self) -> list[tuple[str, str]]:
        return sorted((alert.alertname, alert.state.value) for alert in self.store.alerts.values())


def moment(seconds: float) -> str:
    return text.rfc3339(seconds)
