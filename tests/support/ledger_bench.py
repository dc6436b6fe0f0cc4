"""A store that is worked on as the recorder and the senders do, without either."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve, field

from supervisor.alerts import payload
from supervisor.alerts.alert import Alert
from supervisor.config.service import Alertmanager, Module, Service
from supervisor.ledger.database import everything
from supervisor.ledger.store import Outgoing, Store
from supervisor.observations import Condition, Duration, Observation, Report, Run
from supervisor.recorder.update import Draft

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


@define
class LedgerBench:
    """A store that is worked on as the recorder does, at a time that the test sets."""

    service: Service = field(factory=service_of)
    now: float = T
    store: Store = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = Store(self.service)

    def work(self, what: Callable[[Draft], object]) -> Draft:
        draft = Draft(self.store, self.now)
        what(draft)
        draft.changes.cursors |= self.store.unsaved_cursors()
        self.store.adopt(draft.changes)
        return draft

    def see(self, *seen: Observation, module: Module | None = None, **run: Any) -> Draft:
        module = module or self.service.modules[0]
        done = Run(module.name, self.now, self.now, 0.1, seen, **run)
        draft = self.work(lambda draft: draft.record(module, done, None))
        self.store.confirm(module.name)
        return draft

    def fail(self, error: str = "it broke") -> Draft:
        return self.see(error=error, traceback="Traceback <1>")

    def tend(self) -> Draft:
        return self.work(lambda draft: draft.tend())

    def take(self, peer: str = A) -> list[Outgoing]:
        return self.store.take_due(peer, self.now, 0.0, 1000, 1 << 20)

    def deliver(self, peer: str = A) -> list[dict[str, Any]]:
        """Let the peer take what is due and return it, decoded."""
        batch = self.take(peer)
        for item in batch:
            self.store.delivered(peer, item, self.now)
        return [json.loads(item.data) for item in batch]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def stay(self, seconds: float, *peers: str) -> None:
        """Let time pass while the peers take what is due and housekeeping does its work."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 10)
            self.tend()
            for peer in peers or (A,):
                self.deliver(peer)

    def restart(self, service: Service) -> None:
        """Begin anew, as the daemon does, with what the ledger would hold."""
        whole = everything(self.store)
        self.service, self.store = service, Store(service, cursors=self.store.cursors)
        self.store.adopt(evolve(whole, cursors={}))
        self.store.forget_other_peers()
        self.work(lambda draft: draft.reconcile())
        self.store.await_confirmation(self.now)

    def only(self) -> Alert:
        (alert,) = self.store.alerts.values()
        return alert

    def states(self) -> list[tuple[str, str]]:
        return sorted((alert.alertname, alert.state.value) for alert in self.store.alerts.values())


def moment(seconds: float) -> str:
    return payload.rfc3339(seconds)
