"""A peer of the chaos runs: it changes its weather, and writes down all that it is sent."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any, Literal

import trio
from attrs import define, field

from tests.chaos.check import POISON, VENOM
from tests.chaos.history import History, read_post
from tests.chaos.weather import FINE, Weather
from tests.support.fake_peer import Behaviour, FakePeer, Request, answer
from tests.support.ports import free_port

Form = Literal["string", "object", ""]
"""How a peer refuses a poisoned alert; the empty form takes it."""


@define
class ChaosPeer:
    """Refuses what is poisoned as real ones do; takes or loses all else by its `weather`."""

    form: Form = ""
    weather: Weather = FINE
    answers: Counter[str] = field(factory=Counter)
    history: History = field(init=False)
    _server: FakePeer = field(factory=lambda: FakePeer(port=free_port()))
    _listening: trio.CancelScope = field(factory=trio.CancelScope)
    _changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def __attrs_post_init__(self) -> None:
        self.history = History(self.url)

    @property
    def url(self) -> str:
        return self._server.url

    async def live(self) -> None:
        """Listen on one port whenever the weather allows it, until cancelled."""
        self._server.choose = self._meet
        while True:
            with trio.CancelScope() as self._listening:
                await self._server.serve()
            while not self.weather.listens:
                await self._changed.park()

    def change(self, weather: Weather) -> None:
        """Meet requests in another way from now on; those in progress end as they began."""
        self.weather = weather
        if not weather.listens:
            self._listening.cancel()
        self._changed.unpark_all()

    def _meet(self, request: Request) -> Behaviour:
        self._server.requests.clear()
        weather = self.weather
        if request.method != "POST":
            self.answers["greeting"] += 1
            return weather.behaviour
        now = time.time()
        # As on the wire: identical bodies are a promise.
        texts = _split(request.body)
        alerts = [json.loads(text) for text in texts]
        bad = [self._refuses(alert) for alert in alerts]
        fits = weather.limit is not None and len(request.body) <= weather.limit
        takes = weather.takes or fits
        if takes and any(bad):
            name, behaviour = self._verdict()
            keeps = self.form == "string"
        else:
            name, behaviour = weather.name, answer() if fits else weather.behaviour
            keeps = takes
        self.answers[name] += 1
        for alert, text, is_bad in zip(alerts, texts, bad, strict=True):
            taken = keeps and not is_bad
            self.history.posts.append(read_post(alert, text, now, taken=taken))
        return behaviour

    def _refuses(self, alert: dict[str, Any]) -> bool:
        message = alert["annotations"]["message"]
        return VENOM in message or (bool(self.form) and POISON in message)

    def _verdict(self) -> tuple[str, Behaviour]:
        if self.form == "string":
            return "400 string", answer(400, b'"bad annotation"')
        return "400 object", answer(400, b'{"code":602,"message":"bad"}')


def _split(body: bytes) -> list[str]:
    """Return each alert of a batch as it was written."""
    text = body.decode()
    decoder = json.JSONDecoder()
    found = []
    position = 1
    while position < len(text) and text[position] != "]":
        _, end = decoder.raw_decode(text, position)
        found.append(text[position:end])
        position = end + 1 if text[end] == "," else end
    return found
