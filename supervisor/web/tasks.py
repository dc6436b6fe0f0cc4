"""The task that serves the status page. A reload ends it, and starts it on other sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.config.service import Service
from supervisor.control.snapshot import Snapshot
from supervisor.errors import NoThread
from supervisor.host.threads import in_thread
from supervisor.web import binding
from supervisor.web.binding import Address

if TYPE_CHECKING:
    from supervisor.web.server import WebServer


@define(eq=False, repr=False)
class WebTasks:
    """Starts and ends the task that serves the status page."""

    snapshot: Snapshot
    recorded: trio.lowlevel.ParkingLot
    """Wakes tasks that wait for a commit."""

    waiting: Callable[[], int]
    """Returns the number of runs that wait to be recorded."""

    nursery: trio.Nursery
    listeners: Sequence[trio.SocketListener] = ()
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _ended: trio.Event = field(factory=trio.Event)

    def start(self, listeners: Sequence[trio.SocketListener]) -> None:
        """Begin to serve. Without listeners do nothing."""
        self.listeners = listeners
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        if listeners:
            self.nursery.start_soon(self._serve, name="status page")
        else:
            self._ended.set()

    def bind(self, service: Service, addresses: Sequence[Address]) -> list[trio.SocketListener]:
        """Bind the sockets of a new configuration. The old sockets stay open.

        Raises `SupervisorError`.
        """
        return binding.bind(service, addresses, self.listeners)

    async def end(self) -> None:
        """Stop serving. Clients lose their connections."""
        self._scope.cancel()
        await self._ended.wait()

    async def _serve(self) -> None:
        try:
            with self._scope:
                try:
                    server = await in_thread(self._server)
                except NoThread:  # then all tasks wait for the imports
                    server = self._server()
                await server.serve(self.listeners)
        finally:
            for listener in self.listeners:
                listener.socket.close()
            self._ended.set()

    def _server(self) -> WebServer:
        """Return the server. Its imports take a while, so call this in a thread."""
        from supervisor.web.app import make_app
        from supervisor.web.server import WebServer

        return WebServer(make_app(self.snapshot, self.recorded, self.waiting))
