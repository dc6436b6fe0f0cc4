"""The routes of the status listener: the page, what it is made of, and probes."""

from __future__ import annotations

from collections.abc import Callable

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
from supervisor.web.metrics import metrics as metrics_metrics
from supervisor.web.page import templates
from supervisor.web.page.live import Events, Live
from supervisor.web.page.view import mailed
from supervisor.web.server import App
from supervisor.web.stream import Stream, Write

PIECES = 16
"""So many pieces of the metrics are written at a time."""

_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""A mail may look as it likes, and neither runs nor fetches anything."""


def make_app(
    snapshot: Snapshot,
    changed: trio.lowlevel.ParkingLot,
    waiting: Callable[[], int],
) -> App:
    """Return the application, guarded."""
    live = Live(snapshot, changed)
    site = Site(snapshot, live, metrics_metrics.Source(snapshot, waiting))
    routes = [
        Route("/", site.page),
        Route("/api/status", site.status),
        Route("/api/events", Events(live)),
        Route("/reports/{fingerprint}", site.report),
        Route("/metrics", site.metrics),
        Route("/-/healthy", site.healthy),
        Route("/-/ready", site.ready),
    ]
    return Guard(Starlette(routes=routes), snapshot.store.config)


@define
class Site:
    """Answers requests. Nothing here changes anything."""

    snapshot: Snapshot
    live: Live
    source: metrics_metrics.Source
    _rendering: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2))

    async def page(self, _request: Request) -> Response:
        """Return the page as it is now."""
        html = await self.live.document()
        return HTMLResponse(html, headers={"content-security-policy": templates.POLICY})

    async def status(self, _request: Request) -> Stream:
        """Return what `status --json` prints."""
        return Stream(self._tell, {"content-type": "application/json"})

    async def _tell(self, write: Write) -> None:
        for piece in json_stream.pieces(await self.snapshot.status()):
            await write(piece)

    async def report(self, request: Request) -> Response:
        """Return an alert as it was mailed."""
        mail = mailed(self.snapshot.store, request.path_params["fingerprint"])
        if mail is None:
            return PlainTextResponse("it is not known, or not any more\n", 404)
        html = await trio.to_thread.run_sync(
            templates.mail, mail, limiter=self._rendering, abandon_on_cancel=True
        )
        headers = {"content-security-policy": _MAIL_POLICY, "x-frame-options": "SAMEORIGIN"}
        return HTMLResponse(html, headers=headers)

    async def metrics(self, _request: Request) -> Stream:
        """Return the metrics, in pieces between which others have their turn."""
        return Stream(self._expose, {"content-type": exposition.CONTENT_TYPE})

    async def _expose(self, write: Write) -> None:
        waiting: list[bytes] = []
        for piece in metrics_metrics.pieces(self.source):
            waiting.append(piece.encode(errors="replace"))
            await trio.lowlevel.checkpoint()
            if len(waiting) >= PIECES:
                await write(b"".join(waiting))
                waiting.clear()
        await write(b"".join(waiting))

    async def healthy(self, _request: Request) -> Response:
        """Tell that the process lives."""
        return PlainTextResponse("healthy\n")

    async def ready(self, _request: Request) -> Response:
        """Tell that modules run: before they do, nobody is answered."""
        return PlainTextResponse("ready\n")
