"""Answers the requests of the local socket, such as `status`, `run-now` and `reload`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.control import task_tree
from supervisor.control.snapshot import Snapshot
from supervisor.control.socket_client import JsonObject
from supervisor.control.socket_server import Handler, Say
from supervisor.errors import SupervisorError
from supervisor.modules.runner import CLEAN_UP_TIMEOUT
from supervisor.modules.tasks import ModuleTasks
from supervisor.text import advice

if TYPE_CHECKING:
    from supervisor.delivery.client import Client
    from supervisor.delivery.silences.waiting import WaitingSilences


@define(eq=False, repr=False)
class Handlers:
    """Knows the parts of the supervisor that the requests are about."""

    snapshot: Snapshot
    modules: ModuleTasks
    recorded: trio.lowlevel.ParkingLot
    """Wakes tasks that wait for a commit."""

    root: trio.lowlevel.Task
    """The task above all others."""

    reloads: Mapping[str, Callable[[], Awaitable[JsonObject]]] = field(kw_only=True)
    """The requests that read the service file again, and what returns the answer to each."""

    connect: Callable[[], Sequence[Client]] = field(kw_only=True)
    """Returns a client for each peer."""

    waiting: WaitingSilences = field(kw_only=True)
    """Silences that no peer has taken yet."""

    def by_name(self) -> dict[str, Handler]:
        """Return the handler of each request."""
        return {
            "status": self._status,
            "run-now": self._run_now,
            "tree": self._tree,
            "silence": self._silence,
            **dict.fromkeys(self.reloads, self._reload),
        }

    async def _status(self, _request: JsonObject, say: Say) -> None:
        await say(await self.snapshot.status())

    async def _tree(self, _request: JsonObject, say: Say) -> None:
        await say(task_tree.describe(self.root, trio.current_time()))

    async def _reload(self, request: JsonObject, say: Say) -> None:
        await say(await self.reloads[request["ask"]]())

    async def _silence(self, request: JsonObject, say: Say) -> None:
        """Make, list or end silences. Say what the peers have then."""
        from supervisor.delivery.silences.carry_out import Surroundings, carry_out  # few need it

        store = self.snapshot.store
        around = Surroundings(
            service=store.service,
            connect=self.connect,
            clock=self.snapshot.clock,
            alerts=store.alerts.values(),
            waiting=self.waiting,
        )
        try:
            done = await carry_out(request, around)
        except SupervisorError as error:
            await say({"error": str(error)})
            return
        if any(silence["until_resolved"] for silence in done["silences"]):
            for peer in self.snapshot.peers():
                peer.has_new_silences = True
        if self.snapshot.standings is not None:
            self.snapshot.standings.forget()
        await say(done)

    async def _run_now(self, request: JsonObject, say: Say) -> None:
        """Start the modules that the request names. Say how each run ended, as soon as it ends."""
        names = request.get("modules")
        names = list(dict.fromkeys(map(str, names))) if isinstance(names, list) else []
        known = self.modules.stats
        if unknown := [name for name in names if name not in known]:
            remedy = advice(unknown[0], known)
            await say({"error": f"there is no module {unknown[0]!r}; {remedy}"})
            return
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(self._run_one, name, say)

    async def _run_one(self, name: str, say: Say) -> None:
        stats = self.modules.stats[name]
        task = self.modules.tasks.get(name)
        if task is None:
            await say({"module": name, "refused": "is disabled"})
        elif not self.modules.run_now(name):
            await say({"module": name, "refused": "is running already"})
        else:
            ended: list[JsonObject] = []
            stats.listeners += (ended,)
            with trio.move_on_after(task.module.timeout + 2 * CLEAN_UP_TIMEOUT):
                while not ended:
                    await self.recorded.park()
            if ended:
                await say(ended[0])
            else:
                await say({"module": name, "result": "unknown", "seconds": None})
