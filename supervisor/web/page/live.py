"""The sections of the page as they are now, and the changes that a live page follows.

The sections are made once for all clients. Changes are server-sent events:
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar

import trio
from attrs import define, field
from starlette.responses import PlainTextResponse

from supervisor.control.snapshot import Snapshot
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.web.page import templates
from supervisor.web.page.view import View, gather
from supervisor.web.server import Receive, Scope, Send
from supervisor.web.stream import Stream, Write

T = TypeVar("T")

Sections: TypeAlias = Callable[[], dict[str, str]]
"""Makes each section's HTML by its name. Called in a thread."""

Gather: TypeAlias = Callable[[Snapshot, str], Awaitable[Sections | None]]
"""Gathers what a page shows. Returns None if there is no such page."""

MAX_FOLLOWERS = 16
"""Pages that may be live at the same time. It leaves half of all connections for others."""

RETRY = 1000
"""Milliseconds after which a client connects again."""

MAX_AGE = 0.9
"""Seconds for which the sections are used again."""

MIN_INTERVAL = 2.0
"""Seconds between two events of a live page at least."""

MAX_INTERVAL = 15.0
"""Seconds between two events at most: writing shows whether the client has gone."""


@define
class Live:
    """Makes the sections of the page."""

    snapshot: Snapshot
    recorded: trio.lowlevel.ParkingLot
    """Wakes tasks that wait for a commit."""

    _made: dict[str, str] = field(factory=dict)
    _document: bytes = b""
    _made_at: float = float("-inf")
    _lock: trio.Lock = field(factory=trio.Lock)

    async def sections(self) -> dict[str, str]:
        """Return each section's HTML by its name, at most `MAX_AGE` seconds old."""
        async with self._lock:
            if trio.current_time() - self._made_at > MAX_AGE:
                made_at = trio.current_time()
                view = await gather(self.snapshot)
                self._made, self._document = await trio.to_thread.run_sync(
                    _render, view, abandon_on_cancel=True
                )
                self._made_at = made_at
            return self._made

    async def document(self) -> bytes:
        """Return the whole page, at most `MAX_AGE` seconds old."""
        await self.sections()
        return self._document


@define
class Subjects:
    """Makes the pages of one module and of one alert, each for whoever asks."""

    snapshot: Snapshot
    _rendering: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2))

    async def sections(self, kind: str, key: str) -> dict[str, str]:
        """Return each section's HTML by its name. Nothing if there is no such subject."""
        gather = (await self._in_thread(_load_subjects)).get(kind)
        make = await gather(self.snapshot, key) if gather else None
        return {} if make is None else await self._in_thread(make)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(call, limiter=self._rendering, abandon_on_cancel=True)


def _load_subjects() -> Mapping[str, Gather]:
    """Import these pages. Most supervisors never show one, so that costs them no memory."""
    from supervisor.web.page.subjects import sections

    return {"modules": sections.of_module, "alerts": sections.of_alert}


def _render(view: View) -> tuple[dict[str, str], bytes]:
    sections = templates.sections(view)
    return sections, templates.document(sections).encode(errors="replace")


@define
class Events:
    """Answers with the changes of the page until the client goes."""

    live: Live
    subjects: Subjects
    followers: int = 0
    """Clients that are being answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as ASGI has it."""
        if self.followers >= MAX_FOLLOWERS:
            refusal = PlainTextResponse("too many pages are live\n", 503, {"retry-after": "30"})
            await refusal(scope, receive, send)
            return
        found: dict[str, str] = scope.get("path_params", {})
        source = self._source(found)
        self.followers += 1
        try:
            if found and not await source():
                missing = PlainTextResponse("there is no such page\n", 404)
                await missing(scope, receive, send)
                return
            scope["state"]["allow"]()
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            await Stream(partial(self._follow, source), headers)(scope, receive, send)
        finally:
            self.followers -= 1

    def _source(self, found: Mapping[str, str]) -> Callable[[], Awaitable[dict[str, str]]]:
        """Return what makes the sections of the page that is followed."""
        if "kind" not in found:
            return self.live.sections
        return partial(self.subjects.sections, found["kind"], found["key"])

    async def _follow(self, source: Callable[[], Awaitable[dict[str, str]]], write: Write) -> None:
        sent: dict[str, str] = {}
        await write(f"retry: {RETRY}\n\n".encode())
        async with trio.open_nursery() as nursery:
            changed = RepeatedEvent()
            nursery.start_soon(self._watch, changed)
            while True:
                sections = await source()
                news = {name: html for name, html in sections.items() if sent.get(name) != html}
                sent = sections
                await write(f"data: {json.dumps(news)}\n\n".encode() if news else b":\n\n")
                with trio.move_on_after(MAX_INTERVAL - MIN_INTERVAL):
                    await changed.wait()
                await trio.sleep(MIN_INTERVAL)

    async def _watch(self, changed: RepeatedEvent) -> None:
        """Set the event whenever something is committed."""
        while True:
            await self.live.recorded.park()
            changed.set()
