"""What each Alertmanager does with our alerts. It is asked only when somebody looks.

There is no task for this. `look` asks while its caller waits, for a short time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import trio
from attrs import define, field, frozen

from supervisor.alerts.labels import fingerprint_of
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.requests import (
    Connect,
    NotAnswered,
    Requests,
    connected,
    read,
)
from supervisor.delivery.silences.silence import (
    AnswerUnreadable,
    Matcher,
    Silence,
    decoded,
    read_each,
)
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.errors import SupervisorError
from supervisor.host.clock import Clock
from supervisor.ledger.store import Store

if TYPE_CHECKING:
    from supervisor.delivery.client import Client

INTERVAL = 50.0
"""Seconds between two looks at least. What is shown is right within a minute."""

MAX_AGE = 90.0
"""Seconds after which an answer is no longer believed."""

TIMEOUT = 3.0
"""Seconds for which whoever looks waits for the peers."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of a peer's list of our alerts. A longer one is not read."""

MAX_SILENCES = 20
"""Silences of which one look asks a peer by whom they were made, and until when they last."""


@frozen
class Standing:
    """What a peer does with one alert."""

    state: str
    """`active`, `silenced`, `inhibited`, `muted`, or `unprocessed` for a moment."""

    silenced_by: tuple[str, ...] = ()
    """IDs of silences."""

    inhibited_by: tuple[str, ...] = ()
    """Alerts in words."""


@frozen
class Seen:
    """What one peer has answered."""

    at: float
    """When, in trio's time."""

    standings: Mapping[str, Standing]
    """By our fingerprints. An alert that is missing is missing there."""

    silences: Mapping[str, Silence]
    """Those that silence our alerts, by ID."""


@define(eq=False, repr=False, kw_only=True)
class Standings:
    """Asks the peers, and keeps their last answers."""

    store: Store
    """Knows the labels of our alerts."""

    peers: Callable[[], Collection[PeerStatus]]
    """Returns what is known of the peers. Those that cannot be reached are not asked."""

    connect: Connect
    """Returns a new client for each peer."""

    waiting: WaitingSilences
    """Silences that no peer has taken yet."""

    clock: Clock
    """The host's clock."""

    _seen: dict[str, Seen] = field(factory=dict)
    """The last answer of each peer, by its address."""

    _looks_at: float = float("-inf")
    """trio's time from which a look asks again."""

    async def look(self) -> None:
        """Ask the peers, if the last time is some time ago. Never raises an error."""
        if trio.current_time() < self._looks_at:
            return
        self._looks_at = trio.current_time() + INTERVAL
        well = {peer.url for peer in self.peers() if peer.state == "ok"}
        self._seen = {url: seen for url, seen in self._seen.items() if url in well}
        if not well:
            return
        try:
            with trio.move_on_after(TIMEOUT):
                async with connected(self.connect) as clients:
                    await self._ask_all([client for client in clients if client.url in well])
        except SupervisorError:
            return  # a certificate or a thread is missing, which the senders tell

    def forget(self) -> None:
        """Let the next look ask at once, since silences were made or ended."""
        self._looks_at = float("-inf")

    def of(self, url: str, fingerprint: str) -> tuple[Standing, list[Silence]] | None:
        """Return what a peer does with an alert, and by which silences. None: it is not known."""
        if self.waiting and (waiting := self._waiting_for(url, fingerprint)):
            return Standing("silenced", tuple(each.id for each in waiting)), waiting
        seen = self._seen.get(url)
        if seen is None or trio.current_time() - seen.at > MAX_AGE:
            return None
        standing = seen.standings.get(fingerprint, _MISSING)
        silences = [seen.silences[each] for each in standing.silenced_by if each in seen.silences]
        return standing, silences

    def _waiting_for(self, url: str, fingerprint: str) -> list[Silence]:
        alert = self.store.alerts.get(fingerprint)
        labels = alert.payload.labels if alert else {}
        return self.waiting.of_alert(url, labels, self.clock.now())

    async def _ask_all(self, clients: Sequence[Client]) -> None:
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(self._ask, client)

    async def _ask(self, client: Client) -> None:
        service = self.store.service
        own = Matcher("service", service.service), Matcher("host", service.labels.get("host", ""))
        query = "&".join(f"filter={quote(str(matcher))}" for matcher in own)
        answer = await client.get(f"/api/v2/alerts?{query}", self.clock.now(), MAX_BYTES)
        try:
            standings = await read(_standings, answer.body)
            self._seen[client.url] = Seen(
                trio.current_time(), standings, await self._silences(client, standings)
            )
        except AnswerUnreadable:
            self._seen.pop(client.url, None)

    async def _silences(
        self, client: Client, standings: Mapping[str, Standing]
    ) -> dict[str, Silence]:
        """Return the silences that silence our alerts."""
        wanted = dict.fromkeys(
            identity for standing in standings.values() for identity in standing.silenced_by
        )
        found = {}
        for identity in [*wanted][:MAX_SILENCES]:
            try:
                found[identity] = await Requests(client, self.clock).one(identity)
            except NotAnswered:
                break
            except AnswerUnreadable:
                continue
        return found


_MISSING = Standing("missing")
"""The peer does not have the alert."""

_ACTIVE = Standing("active")
"""One value for all of them, since nearly all are active."""


def _standings(body: bytes) -> dict[str, Standing]:
    """Return what a peer does with each alert of its answer, by our fingerprint."""
    document = decoded(body)
    names = dict(read_each(document, _name))
    return dict(read_each(document, partial(_standing, names)))


def _name(item: Any) -> tuple[str, str]:
    """Return the peer's fingerprint of an alert, and the alert in words."""
    labels = item["labels"]
    words = str(labels["alertname"]), str(labels.get("instance", ""))
    return str(item["fingerprint"]), " ".join(filter(None, words))


def _standing(names: Mapping[str, str], item: Any) -> tuple[str, Standing]:
    labels = {str(name): str(value) for name, value in item["labels"].items()}
    status = item["status"]
    silenced = tuple(_texts(status.get("silencedBy")))
    inhibited = tuple(
        names.get(each, "an alert of another host or service")
        for each in _texts(status.get("inhibitedBy"))
    )
    if silenced or inhibited:
        state = "silenced" if silenced else "inhibited"
    elif [*_texts(status.get("mutedBy"))] or status["state"] == "suppressed":
        state = "muted"
    elif status["state"] == "active":
        return fingerprint_of(labels), _ACTIVE
    else:
        state = "unprocessed"
    return fingerprint_of(labels), Standing(state, silenced, inhibited)


def _texts(values: object) -> Iterator[str]:
    """Yield the texts of a list, which may be missing."""
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, str))
