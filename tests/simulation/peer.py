"""A peer of the simulated host: it takes alerts, or does to them what bad peers do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email.utils import formatdate
from random import Random
from typing import Any

import httpx
import trio
from attrs import define, field

from tests.simulation.chronicle import Chronicle
from tests.simulation.events import Failed, Posted
from tests.simulation.never import Never
from tests.simulation.virtual_time import TrueTime

NO_SILENCES = b"[]"
"""The answer to GET /api/v2/silences."""

VERSION = b'{"versionInfo":{"version":"0.0-simulated"}}'


@define(eq=False)
class Peer:
    """One Alertmanager. `weather` is how it meets requests: see `_meet`."""

    url: str
    true: TrueTime
    random: Random
    chronicle: Chronicle
    weather: str = "fine"
    is_up: bool = True
    """Whether there is anything that listens."""
    latency: float = 0.01
    """Seconds that an answer takes."""
    retry_after: float = 0.0
    """What it asks for when it answers 429 or 503. 0 for nothing."""
    error: float = 0.0
    """Seconds by which its clock is ahead."""
    swallows: bool = False
    """Whether the next request never ends, and nothing ends the wait for it."""
    poison: str = ""
    """It does not take alerts whose instance begins so. Empty: it takes all."""
    take: Callable[[list[dict[str, Any]], float], None] = lambda _alerts, _error: None
    """Given what it takes, and by how many seconds its clock is ahead."""

    def now(self) -> float:
        """Return Unix seconds, as the peer sees them."""
        return self.true.now() + self.error

    async def answer(self, request: httpx.Request, on_sent: Callable[[], Any]) -> httpx.Response:
        """Meet a request. Raises what httpx raises."""
        body = b"".join([chunk async for chunk in request.stream])  # type: ignore[union-attr]  # ours is async
        began, how = self.true.now(), self.weather if self.is_up else "down"
        if how in ("refused", "down", "hang") and request.method == "POST":
            self.chronicle.tell(Failed(self.url, began, began, how))
        if how in ("refused", "down"):
            raise httpx.ConnectError("connection refused")
        await on_sent()
        if how == "hang":
            await trio.sleep_forever()
        await trio.sleep(self.latency * (0.5 + self.random.random()))
        if request.method != "POST":
            return self._response(200, NO_SILENCES if "/silences" in request.url.path else VERSION)
        if self.weather != "fine":
            self.chronicle.tell(Failed(self.url, self.true.now(), began, self.weather))
        return await self._meet(json.loads(body))

    async def _meet(self, alerts: list[dict[str, Any]]) -> httpx.Response:
        bad = [alert for alert in alerts if self._is_poison(alert)]
        match self.weather:
            case "fine":
                if bad:
                    return self._refuse(alerts, bad)
                self._note(alerts, taken=True, answered=True)
                return self._response(200)
            case "taken, reset" | "taken, hang" | "taken, 500" as how:
                self._note(alerts, taken=not bad, answered=False)
                if how == "taken, reset":
                    raise httpx.ReadError("connection reset by peer")
                if how == "taken, hang":
                    await trio.sleep_forever()
                return self._response(500)
            case "hang":  # since the request has come
                self._note(alerts, taken=False, answered=False)
                await trio.sleep_forever()
            case "reset" | "refused":
                self._note(alerts, taken=False, answered=False)
                raise httpx.RemoteProtocolError("the peer hung up")
            case "drip":
                self._note(alerts, taken=not bad, answered=False)
                return self._response(200, stream=_Drip())
        self._note(alerts, taken=False, answered=False)
        return self._response(int(self.weather))

    def _is_poison(self, alert: dict[str, Any]) -> bool:
        return bool(self.poison) and alert["labels"].get("instance", "").startswith(self.poison)

    def _refuse(self, alerts: list[dict[str, Any]], bad: list[dict[str, Any]]) -> httpx.Response:
        """Refuse what is poisoned as Alertmanager does: it keeps the rest of the batch."""
        good = [alert for alert in alerts if not self._is_poison(alert)]
        self._note(good, taken=True, answered=False)
        self._note(bad, taken=False, answered=False, refused=True)
        return self._response(400, b'"bad annotation"')

    def _note(
        self, alerts: list[dict[str, Any]], *, taken: bool, answered: bool, refused: bool = False
    ) -> None:
        now = self.true.now()
        for alert in alerts:
            starts, ends = (
                datetime.fromisoformat(alert[key]).timestamp() - self.error
                for key in ("startsAt", "endsAt")
            )
            self.chronicle.tell(
                Posted(
                    peer=self.url,
                    at=now,
                    alert=alert,
                    taken=taken,
                    answered=answered,
                    starts=starts,
                    ends=ends,
                    refused=refused,
                )
            )
        if taken and alerts:
            self.take(alerts, self.error)

    def _response(
        self, status: int, body: bytes = b"", stream: httpx.AsyncByteStream | None = None
    ) -> httpx.Response:
        headers = {"Date": formatdate(self.now(), usegmt=True)}
        if self.retry_after and status in (429, 503):
            headers["Retry-After"] = f"{self.retry_after:.0f}"
        return httpx.Response(status, headers=headers, stream=stream or httpx.ByteStream(body))


class _Drip(httpx.AsyncByteStream):
    """A body that never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await trio.sleep(0.5)
            yield b" "


@define(eq=False)
class Transport(httpx.AsyncBaseTransport):
    """Leads from a host to a peer."""

    peer: Peer
    is_dead: Callable[[], bool] = field(kw_only=True)
    """Whether the process has died. Nothing leaves it then."""

    never: Never = field(kw_only=True)
    """What a request waits for that the peer swallows."""

    stuck: Callable[[str], None] = field(kw_only=True)
    """Told of such a request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request to the peer, and the answer back."""
        await trio.lowlevel.checkpoint()
        if self.is_dead():
            await trio.sleep_forever()
        if self.peer.swallows:
            self.stuck(f"the sender to {self.peer.url}")
            await self.never.wait()
        trace = request.extensions.get("trace")

        async def on_sent() -> None:
            if trace is not None:
                await trace("http11.receive_response_headers.started", {})

        return await self.peer.answer(request, on_sent)
