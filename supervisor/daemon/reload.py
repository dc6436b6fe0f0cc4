"""SIGHUP: read the configuration anew, and go over to it without losing or stopping anything.

What is wrong with the new file is said, and the old configuration stays. Only what differs
is started anew.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import getLogger

import trio
from attrs import define, frozen

from supervisor.alerts.self_alerts import RELOAD_FAILED, SelfAlert
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Alertmanager, Service
from supervisor.delivery.client import Client
from supervisor.delivery.tasks import PeerTasks, connect
from supervisor.errors import SupervisorError
from supervisor.host import garbage_collector, log_format
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.systemd import Notifier
from supervisor.modules.tasks import ModuleTasks
from supervisor.recorder.messages import Message, Reload
from supervisor.web import binding
from supervisor.web.binding import Address
from supervisor.web.tasks import WebTasks

_log = getLogger("supervisor")


@frozen
class Target:
    """The configuration to go over to; clients and addresses are None where nothing differs."""

    service: Service
    clients: list[Client] | None
    addresses: list[Address] | None


@define(kw_only=True)
class Reloader:
    """Goes over from one configuration to the next."""

    config: CurrentConfig
    asked: RepeatedEvent
    load: Callable[[], Service]
    modules: ModuleTasks
    peers: PeerTasks
    web: WebTasks
    send: trio.MemorySendChannel[Message]
    notifier: Notifier

    async def reload_when_asked(self) -> None:
        """Reload at each SIGHUP."""
        while True:
            await self.asked.wait()
            self.notifier.notify_reloading()
            try:
                target = await trio.to_thread.run_sync(
                    self._prepare, self.config.service, abandon_on_cancel=True
                )
                listeners = None
                if target.addresses is not None:
                    listeners = self.web.bind(target.service, target.addresses)
            except SupervisorError as error:
                await self._refuse(str(error))
            except Exception as error:  # whatever is wrong with the new, the old goes on
                _log.exception("the new configuration meets a bug")
                await self._refuse(f"{type(error).__name__}: {error}")
            else:
                await self._apply(target.service, target.clients, listeners)
            self.notifier.notify("READY=1")

    def _prepare(self, old: Service) -> Target:
        """Return the new configuration and what it needs. Blocks."""
        service = self.load()
        if service.service != old.service:
            raise SupervisorError(
                f"{service.path}: service: changed from {old.service!r} to {service.service!r}; "
                "restart the supervisor for that"
            )
        return Target(
            service,
            connect(service) if _is_changed(service.alertmanager, old.alertmanager) else None,
            None if service.status == old.status else binding.addresses(service),
        )

    async def _refuse(self, why: str) -> None:
        message = f"cannot reload, the old configuration stays: {why}"
        _log.error("%s", message)
        self.notifier.notify("STATUS=cannot reload, the old configuration stays; see the log")
        await self.send.send(SelfAlert(RELOAD_FAILED, message))

    async def _apply(
        self,
        service: Service,
        clients: list[Client] | None,
        listeners: list[trio.SocketListener] | None,
    ) -> None:
        """Go over: what differs ends, the alerts are fitted to the new, what is missing starts."""
        before = self.modules.tasks.keys() | ()
        ended = self.modules.end_changed(service)
        if clients is not None:
            await self.peers.end()
        message = Reload(service)
        await self.send.send(message)
        await message.applied.wait()
        if clients is not None:
            self.peers.start(clients)
        if listeners is not None:
            await self.web.end()
            self.web.start(listeners)
        started = await self.modules.start_missing()
        garbage_collector.freeze()
        log_format.change_timezone(service.timezone)
        _log.info(
            "reloaded %s: %s",
            service.path,
            _differences(
                set(before),
                set(ended),
                set(started),
                ["connected to the peers anew"] * (clients is not None)
                + ["opened the status page anew"] * bool(listeners),
            ),
        )


def _is_changed(new: Alertmanager, old: Alertmanager) -> bool:
    """Return whether to connect anew. A certificate is renewed under its old name."""
    return new != old or any((new.ca_file, new.cert_file, new.key_file))


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
