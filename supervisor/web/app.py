"""The routes of the status listener: the page, the status as JSON, metrics and probes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import trio
from attrs import define, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from supervisor.control import json_stream
from supervisor.control.snapshot import Snapshot
from supervisor.web.guard import Guard
from supervisor.web.metrics import exposition
from supervisor.web.metrics.metrics import Source, pieces
from supervisor.web.page import templates
from supervisor.web.page.live import Events, Live, Subjects
from supervisor.web.page.view import mailed
from supervisor.web.server import App
from supervisor.web.stream import Stream, Write

PIECES_PER_WRITE = 16
"""Pieces of the metrics that are written together."""

_UNKNOWN = {
    "modules": "there is no module of this name\n",
    "alerts": "this alert is not known, or it is no longer kept\n",
}
"""What is said about a page that does not exist."""

_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""The content security policy of a mail: any style, no scripts, nothing from the network."""


def make_app(
    snapshot: Snapshot,
    recorded: trio.lowlevel.ParkingLot,
    waiting: Callable[[], int],
) -> App:
    """Return the application behind its guard."""
    live = Live(snapshot, recorded)
    subjects = Subjects(snapshot)
    endpoints = Endpoints(snapshot, live, subjects, Source(snapshot, waiting))
    events = Events(live, subjects)
    routes = [
        Route("/", endpoints.page),
        Route("/api/status", endpoints.status),
        Route("/api/events", events),
        Route("/api/events/{kind}/{key:path}", events),
        Route("/modules/{key:path}", partial(endpoints.subject, "modules")),
        Route("/alerts/{key}", partial(endpoints.subject, "alerts")),
        Route("/reports/{fingerprint}", endpoints.report),
        Route("/metrics", endpoints.metrics),
        Route("/-/healthy", endpoints.healthy),
        Route("/-/ready", endpoints.ready),
    ]
    return Guard(Starlette(routes=routes), snapshot.store.config)


@define
class Endpoints:
    """Answers requests. They only read."""

    snapshot: Snapshot
    live: Live
    subjects: Subjects
    source: Source
    _rendering: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2))

    async def page(self, _request: Request) -> Response:
        """Return the page as it is now."""
        html = await self.live.document()
        return HTMLResponse(html, headers={"content-security-policy": templates.POLICY})

    async def subject(self, kind: str, request: Request) -> Response:
        """Return the page of one module or of one alert."""
        key = request.path_params["key"]
        sections = await self.subjects.sections(kind, key)
        if not sections:
            return PlainTextResponse(_UNKNOWN[kind], 404)
        events = f"../api/events/{kind}/{quote(key, safe='')}"
        html = templates.document(sections, "subject", events)
        return HTMLResponse(html, headers={"content-security-policy": templates.POLICY})

    async def status(self, _request: Request) -> Stream:
        """Return the JSON that `status --json` prints."""
        return Stream(self._tell, {"content-type": "application/json"})

    async def _tell(self, write: Write) -> None:
        for piece in json_stream.pieces(await self.snapshot.status()):
            await write(piece)

    async def report(self, request: Request) -> Response:
        """Return an alert as it was mailed."""
        mail = mailed(self.snapshot.store, request.path_params["fingerprint"])
        if mail is None:
            return PlainTextResponse("this alert is not known, or it is no longer kept\n", 404)
        html = await trio.to_thread.run_sync(
            templates.mail, mail, limiter=self._rendering, abandon_on_cancel=True
        )
        headers = {"content-security-policy": _MAIL_POLICY, "x-frame-options": "SAMEORIGIN"}
        return HTMLResponse(html, headers=headers)

    async def metrics(self, _request: Request) -> Stream:
        """Return the metrics in pieces, between which other tasks run."""
        return Stream(self._expose, {"content-type": exposition.CONTENT_TYPE})

    async def _expose(self, write: Write) -> None:
        waiting: list[bytes] = []
        for piece in pieces(self.source):
            waiting.append(piece.encode(errors="replace"))
            await trio.lowlevel.checkpoint()
            if len(waiting) >= PIECES_PER_WRITE:
                await write(b"".join(waiting))
                waiting.clear()
        await write(b"".join(waiting))

    async def healthy(self, _request: Request) -> Response:
        """Say that the process lives."""
        return PlainTextResponse("healthy\n")

    async def ready(self, _request: Request) -> Response:
        """Say that the modules have started. Until then the listener does not answer."""
        return PlainTextResponse("ready\n")
