"""At SIGHUP or by `reload`, read the service file again and apply it. Called by the daemon.

If the new file is wrong, the log and an alert say why, and the old configuration stays. Only the
parts that differ are started again. Nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from logging import getLogger
from typing import TYPE_CHECKING

import trio
from attrs import define, field, frozen

from supervisor.alerts.self_alerts import RELOAD_FAILED, SelfAlert
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Alertmanager, Service
from supervisor.control.socket_client import JsonObject
from supervisor.delivery.tasks import PeerTasks
from supervisor.errors import ConfigError, SupervisorError
from supervisor.host import garbage_collector
from supervisor.host.log import formatters
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.systemd import Notifier
from supervisor.host.threads import in_thread
from supervisor.modules.tasks import ModuleTasks
from supervisor.recorder.messages import Message, Reload
from supervisor.web import binding
from supervisor.web.binding import Address
from supervisor.web.tasks import WebTasks

if TYPE_CHECKING:
    from supervisor.delivery.client import Client

_log = getLogger("supervisor")


@frozen
class NewConfiguration:
    """The configuration to apply, and what it needs."""

    service: Service
    """The new configuration."""

    clients: Sequence[Client] | None
    """New clients for the peers. None if the peers stay."""

    addresses: list[Address] | None
    """Addresses for the status page. None if its settings stay."""


@define(eq=False, repr=False)
class Waiting:
    """A client that waits for the end of a reload."""

    ended: trio.Event = field(factory=trio.Event)
    """Set when the reload has ended."""

    outcome: JsonObject = field(factory=dict)
    """How it ended, then."""


@define(eq=False, repr=False, kw_only=True)
class Reloader:
    """Applies a new configuration to all parts of the supervisor."""

    config: CurrentConfig
    """The configuration in force."""

    asked: RepeatedEvent
    """Set at each SIGHUP and each request to reload."""

    load: Callable[[], Service]
    """Reads the service file."""

    connect: Callable[[Service], Sequence[Client]]
    """Returns a client for each peer."""

    modules: ModuleTasks
    """The tasks of the modules."""

    peers: PeerTasks
    """The senders."""

    web: WebTasks
    """The status page."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    notifier: Notifier
    """Tells systemd what happens."""

    _waiting: list[Waiting] = field(factory=list, init=False)
    """Clients that wait for a reload that has not begun."""

    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    """Held while the file is read, and until what it says is in force."""

    async def reload(self) -> JsonObject:
        """Reload, and return how it ended: whether it was `applied`, and a `text` for people."""
        waiting = Waiting()
        self._waiting.append(waiting)
        self.asked.set()
        await waiting.ended.wait()
        return waiting.outcome

    async def preview(self) -> JsonObject:
        """Return what a reload would do now, or in `refused` why it would do nothing."""
        from supervisor.daemon.preview import preview  # few ask for it

        async with self._turn:
            try:
                new = await in_thread(partial(self._prepare, self.config.service))
            except SupervisorError as error:
                return {"refused": str(error)}
            told = preview(self.config.service, new.service, self.modules, self.peers.outbox)
            again = {"peers_again": new.clients is not None, "page_again": bool(new.addresses)}
            return told | again

    async def reload_when_asked(self) -> None:
        """Reload at each SIGHUP and each request."""
        while True:
            await self.asked.wait()
            waiting, self._waiting = self._waiting, []
            self.notifier.notify_reloading()
            async with self._turn:
                outcome = await self._reload()
            self.notifier.notify("READY=1")
            for each in waiting:
                each.outcome = outcome
                each.ended.set()

    async def _reload(self) -> JsonObject:
        try:
            new = await in_thread(partial(self._prepare, self.config.service))
            listeners = None
            if new.addresses is not None:
                listeners = self.web.bind(new.service, new.addresses)
        except SupervisorError as error:
            return await self._refuse(str(error))
        except Exception as error:  # whatever is wrong with it, the old one stays
            _log.exception("the new configuration has met a bug")
            return await self._refuse(f"{type(error).__name__}: {error}")
        return await self._apply(new.service, new.clients, listeners)

    def _prepare(self, old: Service) -> NewConfiguration:
        """Return the new configuration and what it needs. Blocks."""
        service = self.load()
        if service.service != old.service:
            from supervisor.config.explain.report import Places  # only errors need it

            wrong = f"changed from {old.service!r} to {service.service!r}"
            remedy = "restart the supervisor for that"
            raise ConfigError([Places.in_use(service).problem(("service",), wrong, remedy)])
        return NewConfiguration(
            service,
            self.connect(service) if _is_changed(service.alertmanager, old.alertmanager) else None,
            None if service.status == old.status else binding.addresses(service),
        )

    async def _refuse(self, why: str) -> JsonObject:
        message = f"cannot reload, the old configuration stays: {why}"
        _log.error("%s", message)
        self.notifier.notify("STATUS=cannot reload, the old configuration stays; see the log")
        await self.send.send(SelfAlert(RELOAD_FAILED, message))
        return {"applied": False, "text": message}

    async def _apply(
        self,
        service: Service,
        clients: Sequence[Client] | None,
        listeners: list[trio.SocketListener] | None,
    ) -> JsonObject:
        """End what differs, adapt the alerts, and start what is missing."""
        before, fallback = self.modules.tasks.keys() | (), self.config.service.fallback
        ended = self.modules.end_changed(service)
        if clients is not None:
            await self.peers.end()
        if service.fallback is None:
            self.peers.fallback.end()
        message = Reload(service)
        await self.send.send(message)
        await message.applied.wait()
        if clients is not None:
            self.peers.start(clients)
        self.peers.fallback.apply()
        if listeners is not None:
            await self.web.end()
            self.web.start(listeners)
        started = await self.modules.start_missing()
        garbage_collector.freeze_again()
        formatters.change_timezone(service.timezone)
        differences = _differences(
            set(before),
            set(ended),
            set(started),
            ["connected to the peers again"] * (clients is not None)
            + ["opened the status page again"] * bool(listeners)
            + ["changed the fallback"] * (service.fallback != fallback),
        )
        _log.info("reloaded %s: %s", service.path, differences)
        return {"applied": True, "text": f"reloaded {service.path}: {differences}"}


def _is_changed(new: Alertmanager, old: Alertmanager) -> bool:
    """Return whether to connect again.

    A new certificate may have the same file name, and the system's authorities may be others.
    """
    return new != old or any(url.lower().startswith("https:") for url in new.urls)


def _differences(before: set[str], ended: set[str], started: set[str], others: list[str]) -> str:
    """Return in words what a reload has changed."""
    parts = [
        f"{verb} {', '.join(sorted(names))}"
        for verb, names in (
            ("added", started - before),
            ("removed", ended - started),
            ("changed", ended & started),
        )
        if names
    ]
    parts += others
    parts.append(f"{len(before - ended)} modules go on")
    return "; ".join(parts)
