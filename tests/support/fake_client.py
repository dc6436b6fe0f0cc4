"""A client of a peer whose answers the test scripts, and what it was sent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import trio
from attrs import define, field, frozen

from supervisor.delivery.client import Client
from supervisor.delivery.replies import Answer, Reply
from tests.support.virtual_clock import VirtualClock

START = 1_700_000_000.0
"""When virtual time begins, in Unix seconds."""

OK = Answer(Reply.DELIVERED, "HTTP 200")
NO_SILENCES = Answer(Reply.DELIVERED, "HTTP 200", body=b"[]")
BUSY = Answer(Reply.RETRY, "HTTP 503")
FORBIDDEN = Answer(Reply.MISCONFIGURED, "HTTP 403")
TOO_SLOW = Answer(Reply.RETRY, "timeout")
REFUSED = Answer(Reply.SPLIT, "HTTP 400", '"bad label"')


@frozen
class Post:
    """One batch that a peer was sent."""

    at: float
    """When it was sent, in seconds since the start."""

    alerts: list[dict[str, Any]]
    """What it held, decoded."""

    @property
    def names(self) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self.alerts]

    @property
    def instances(self) -> list[str]:
        return [alert["labels"].get("instance", "") for alert in self.alerts]


@define
class FakeClient(Client):
    """A client of a peer whose answers the test scripts."""

    clock: VirtualClock = field(kw_only=True)
    """Our clock."""

    respond: Callable[[Post], Answer] = lambda _post: OK
    """Returns the answer to a post."""

    greeting: Answer = OK
    """The answer to the question for version and time."""

    seconds: float = 0.0
    """How long each request takes."""

    skew: float | None = None
    """Seconds by which the peer's clock is ahead. None for answers without a date."""

    hangs: Callable[[Post], bool] = lambda _post: False
    """Returns whether a post is never answered."""

    bytes_per_second: float = math.inf
    """What the way to the peer carries."""

    posts: list[Post] = field(factory=list)
    """All that was posted."""

    requests: list[tuple[int, float]] = field(factory=list)
    """The bytes and the time limit of each post."""

    in_flight: int = 0
    """How many requests are in flight. More than one is an error."""

    silences: Callable[[str, str, bytes], Answer] = lambda _method, _path, _body: NO_SILENCES
    """Returns the answer to a request about silences."""

    async def get(self, path: str, now: float, max_bytes: int = 0) -> Answer:
        if path.startswith("/api/v2/silence"):
            return await self._answer(lambda: self.silences("GET", path, b""))
        assert path == "/api/v2/status"
        return await self._answer(lambda: self.greeting)

    async def change(self, method: str, path: str, now: float, body: bytes = b"") -> Answer:
        return await self._answer(lambda: self.silences(method, path, body))

    async def post(
        self,
        alerts: list[bytes],
        now: float,
        on_sent: Callable[[], None] | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as the real one
    ) -> Answer:
        assert abs(now - self.clock.now()) < 1
        post = Post(round(now - START, 3), [json.loads(alert) for alert in alerts])
        self.posts.append(post)
        size = sum(map(len, alerts))
        limit = self.settings.timeout if timeout is None else timeout
        self.requests.append((size, limit))
        if self.hangs(post) or size / self.bytes_per_second > limit:
            return await self._answer(lambda: TOO_SLOW, on_sent, limit)
        return await self._answer(
            lambda: self.respond(post), on_sent, self.seconds + size / self.bytes_per_second
        )

    async def _answer(
        self,
        respond: Callable[[], Answer],
        on_sent: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        self.in_flight += 1
        assert self.in_flight == 1, "a second request while one is in flight"
        await trio.lowlevel.checkpoint()
        if on_sent:
            on_sent()
        await trio.sleep(self.seconds if seconds is None else seconds)
        self.in_flight -= 1
        found = respond()
        date = None if self.skew is None else self.clock.now() + self.skew
        return Answer(
            reply=found.reply,
            reason=found.reason,
            detail=found.detail,
            retry_after=found.retry_after,
            date=found.date or date,
            body=found.body,
        )

    def sent(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """Return the alerts of one name with the times at which they were sent."""
        return [
            (post.at, alert)
            for post in self.posts
            for alert in post.alerts
            if alert["labels"]["alertname"] == name
        ]


def moment(text: str) -> float:
    """Return seconds since the start of an RFC 3339 time."""
    from datetime import datetime

    return round(datetime.fromisoformat(text).timestamp() - START, 3)


def spans(alerts: Iterable[dict[str, Any]]) -> Iterator[tuple[float, float]]:
    """Yield startsAt and endsAt of each alert in seconds since the start."""
    return ((moment(alert["startsAt"]), moment(alert["endsAt"])) for alert in alerts)
