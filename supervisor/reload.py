"""SIGHUP: read the configuration anew, and go over to it without losing or stopping anything.

What is wrong with the new file is said, and the old configuration stays. Only what differs
is started anew.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import getLogger

import trio
from attrs import define, field

from supervisor import logs
from supervisor.alertmanager import Client
from supervisor.book import Book
from supervisor.errors import SupervisorError
from supervisor.model import Announcement
from supervisor.module_tasks import ModuleTasks
from supervisor.own import RELOAD_FAILED
from supervisor.peer_tasks import PeerTasks, connect
from supervisor.recorder import Message, Reload
from supervisor.service import Service
from supervisor.systemd import Notifier

_log = getLogger("supervisor")


@define
class Bell:
    """Wakes one who waits; rung several times meanwhile, it wakes once more."""

    _rung: trio.Event = field(factory=trio.Event)

    def ring(self) -> None:
        """Wake who waits now or will wait next."""
        self._rung.set()

    async def wait(self) -> None:
        """Return when the bell was rung since the last return."""
        await self._rung.wait()
        self._rung = trio.Event()


@define
class Reloader:
    """Goes over from one configuration to the next."""

    book: Book
    bell: Bell
    load: Callable[[], Service]
    modules: ModuleTasks
    peers: PeerTasks
    send: trio.MemorySendChannel[Message]
    notifier: Notifier

    async def reload_when_asked(self) -> None:
        """Reload whenever the bell rings."""
        while True:
            await self.bell.wait()
            self.notifier.notify_reloading()
            try:
                service, clients = await trio.to_thread.run_sync(
                    self._prepare, self.book.service, abandon_on_cancel=True
                )
            except SupervisorError as error:
                await self._refuse(error)
            else:
                await self._apply(service, clients)
            self.notifier.notify("READY=1")

    def _prepare(self, old: Service) -> tuple[Service, list[Client] | None]:
        """Return the new configuration, and new clients if the peers differ. Blocks."""
        service = self.load()
        if service.service != old.service:
            raise SupervisorError(
                f"{service.path}: service: changed from {old.service!r} to {service.service!r}; "
                "restart the supervisor for that"
            )
        return service, None if service.alertmanager == old.alertmanager else connect(service)

    async def _refuse(self, error: SupervisorError) -> None:
        message = f"cannot reload, the old configuration stays: {error}"
        _log.error("%s", message)
        self.notifier.notify("STATUS=cannot reload, the old configuration stays; see the log")
        await self.send.send(Announcement(RELOAD_FAILED, "", message))

    async def _apply(self, service: Service, clients: list[Client] | None) -> None:
        """Go over: what differs ends, the book is fitted to the new, what is missing starts."""
        before = self.modules.tasks.keys() | ()
        ended = self.modules.end_changed(service)
        if clients is not None:
            await self.peers.end()
        message = Reload(service)
        await self.send.send(message)
        await message.applied.wait()
        if clients is not None:
            self.peers.start(clients)
        started = await self.modules.start_missing()
        logs.change_timezone(service.timezone)
        _log.info(
            "reloaded %s: %s",
            service.path,
            _differences(set(before), set(ended), set(started), clients is not None),
        )


def _differences(before: set[str], ended: set[str], started: set[str], peers: bool) -> str:
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
    parts += ["connected to the peers anew"] * peers
    parts.append(f"{len(before - ended)} modules go on")
    return "; ".join(parts)
