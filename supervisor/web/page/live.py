"""The sections of the page as they are now, made once for all who look, and the live page's news.

News are server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json

import trio
from attrs import define, field
from starlette.responses import PlainTextResponse

from supervisor.control.snapshot import Snapshot
from supervisor.web.page import templates
from supervisor.web.page.view import View, gather
from supervisor.web.server import Receive, Scope, Send
from supervisor.web.stream import Stream, Write

MOST_FOLLOWERS = 16
"""So many pages may be live at once: half of all connections are left for others."""

FRESH = 0.9
PAUSE = 2.0
LONGEST = 15.0
"""Seconds: what is this old need not be made anew; between two looks of a live page at least,
and at most, so that a client that has gone is noticed."""


@define
class Live:
    """Makes sections of the page. `changed` wakes who waits for a commit."""

    snapshot: Snapshot
    changed: trio.lowlevel.ParkingLot
    _made: dict[str, str] = field(factory=dict)
    _document: bytes = b""
    _made_at: float = float("-inf")
    _lock: trio.Lock = field(factory=trio.Lock)

    async def sections(self) -> dict[str, str]:
        """Return each section's HTML by its name, at most `FRESH` seconds old."""
        async with self._lock:
            if trio.current_time() - self._made_at > FRESH:
                made_at = trio.current_time()
                view = await gather(self.snapshot)
                self._made, self._document = await trio.to_thread.run_sync(
                    _render, view, abandon_on_cancel=True
                )
                self._made_at = made_at
            return self._made

    async def document(self) -> bytes:
        """Return the whole page, as old at most."""
        await self.sections()
        return self._document


def _render(view: View) -> tuple[dict[str, str], bytes]:
    sections = templates.sections(view)
    return sections, templates.document(sections).encode(errors="replace")


@define
class Events:
    """Answers with what has changed on the page, until the client goes."""

    live: Live
    followers: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as ASGI has it."""
        if self.followers >= MOST_FOLLOWERS:
            refusal = PlainTextResponse("too many pages are live\n", 503, {"retry-after": "30"})
            await refusal(scope, receive, send)
            return
        self.followers += 1
        try:
            scope["state"]["allow"]()
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            await Stream(self._follow, headers)(scope, receive, send)
        finally:
            self.followers -= 1

    async def _follow(self, write: Write) -> None:
        told: dict[str, str] = {}
        async with trio.open_nursery() as nursery:
            alarm = Alarm(self.live.changed)
            nursery.start_soon(alarm.heed)
            while True:
                sections = await self.live.sections()
                news = {name: html for name, html in sections.items() if told.get(name) != html}
                told = sections
                await write(f"data: {json.dumps(news)}\n\n".encode() if news else b":\n\n")
                with trio.move_on_after(LONGEST - PAUSE):
                    await alarm.wait()
                await trio.sleep(PAUSE)


@define
class Alarm:
    """Remembers that something has changed until somebody waits for it."""

    changed: trio.lowlevel.ParkingLot
    _gone_off: trio.Event = field(factory=trio.Event)

    async def heed(self) -> None:
        """Be there whenever something changes."""
        while True:
            await self.changed.park()
            self._gone_off.set()

    async def wait(self) -> None:
        """Return when something has changed since the last return."""
        await self._gone_off.wait()
        self._gone_off = trio.Event()
