"""One weather from its beginning to its end: what a supervisor does in it is observed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from tests.host_weather import acts, check, journal, ledger, service
from tests.host_weather.invariant import MAX_CATCH_UP, Observed, faults
from tests.host_weather.peer import NAME, Peer
from tests.host_weather.service import MODULES
from tests.host_weather.subject import EXIT_TIMEOUT, Subject, processes_of
from tests.host_weather.switches import Switches
from tests.host_weather.weather import Host, Weather

LASTS = 3.0
"""Seconds that a weather lasts at least."""

SAYING_TIMEOUT = 20.0
"""Seconds within which it is said what is wrong."""

POLL = 0.05
"""Seconds between two looks at what has no event."""

ASK_INTERVAL = 0.5
"""Seconds between two commands that ask for the status. Each takes processor time to start."""


@define
class Trial:
    """Starts a supervisor and two peers, and lets the weather come twice."""

    weather: Weather
    library: Path
    directory: Path
    seen: Observed = field(factory=Observed)
    _names: set[str] = field(factory=set)
    _host: Host = field(init=False)

    @property
    def _peers(self) -> tuple[Peer, Peer]:
        return self._host.healthy, self._host.other

    @property
    def log(self) -> str:
        """What the supervisors have logged."""
        return self._host.subject.log

    async def run(self) -> list[str]:
        """Do it all. Return which promises were broken."""
        healthy, other = Peer(), Peer(NAME, keeps_connections=False)
        async with trio.open_nursery() as nursery:
            await nursery.start(healthy.serve)
            await nursery.start(other.serve)
            switches = Switches(self.library, self.directory / "switches")
            tag = f"47.{healthy.url.rpartition(':')[2]}"
            subject = Subject(self.directory, switches, tag, nursery)
            self._host = Host(self.directory, switches, subject, healthy, other)
            urls = [healthy.url, other.url]
            service.write(self.directory, urls, tag, secret=self.weather.with_secret)
            acts.write_secret(self._host)
            self._say()
            try:
                await self._live()
                self.seen.left = processes_of(tag, f"--state-dir={subject.state}")
            finally:
                if not subject.has_ended:
                    with trio.move_on_after(EXIT_TIMEOUT, shield=True):
                        await subject.kill()
            self.seen.lag = journal.lag(self.directory, subject.ends)
            nursery.cancel_scope.cancel()
        return faults(self.seen, self.weather.promise)

    async def _live(self) -> None:
        host, weather = self._host, self.weather
        if weather.at_start:
            weather.begin(host)
        await self._start()
        if not weather.at_start:
            await self._everywhere("before")
            weather.begin(host)
        await self._in_the_weather()
        if weather.end is not None:
            weather.end(host)
            await self._catch_up()
            await self._everywhere("after")
        await self._killed()
        await self._resolve_all()
        weather.begin(host)
        self._say("again")
        await trio.sleep(LASTS / 2)  # the weather does what it does
        self.seen.code, self.seen.stop = await host.subject.stop()

    async def _in_the_weather(self) -> None:
        """Let something new be seen, and observe what becomes of it."""
        promise = self.weather.promise
        begun = trio.current_time()
        await trio.sleep(self.weather.quiet)
        self._say("during")
        if promise.arrives_in is not None:
            await self._arrive(promise.arrives_in)
        self.seen.unsaid |= await self._unsaid(promise.says + promise.says_of_peer)
        if promise.answers and (promise.shows or promise.arrives_in is None):
            self.seen.unsaid |= await self._not_shown(promise.shows)
        await trio.sleep_until(begun + LASTS)

    async def _arrive(self, seconds: float) -> None:
        """Wait until the peers have what is new, and `status` says so."""
        healthy, other, promise = self._host.healthy, self._host.other, self.weather.promise
        begun = trio.current_time()
        waits = {healthy: "arrival"}
        if promise.reaches_other:
            waits[other] = "arrival_at_other"
        while waits and trio.current_time() < begun + seconds:
            there = {peer for peer in waits if "during" in peer.arrived}
            if there and promise.answers:
                known = delivered_at(await self._status(), "during")
                there = {peer for peer in there if peer.url in known}
            for peer in there:
                setattr(self.seen, waits.pop(peer), trio.current_time() - begun)
            await trio.sleep(POLL)

    async def _catch_up(self) -> None:
        """Wait until all is delivered and on disk."""
        began = trio.current_time()
        while not await self._is_settled():
            if trio.current_time() > began + MAX_CATCH_UP or self._host.subject.has_ended:
                self.seen.catch_up = None
                return
            await trio.sleep(ASK_INTERVAL)
        if self.seen.catch_up is not None:
            self.seen.catch_up = max(self.seen.catch_up, trio.current_time() - began)

    async def _everywhere(self, name: str) -> None:
        """Let a condition begin in calm weather. Each peer must get it."""
        self._say(name)
        await until(self._have_all, MAX_CATCH_UP)
        if not self._have_all():
            self.seen.catch_up = None

    def _have_all(self) -> bool:
        return all(self._names <= peer.arrived.keys() for peer in self._peers)

    async def _is_settled(self) -> bool:
        """Return whether the peers have everything, and the ledger, too."""
        if not self._have_all():
            return False
        document = await self._status(strict=False)
        return bool(document) and is_settled(document, self._names)

    async def _killed(self) -> None:
        """End it by SIGKILL, look at its ledger, and start it in calm weather."""
        host, promise = self._host, self.weather.promise
        said = promise.says_later if self.weather.end else ()
        self.seen.unsaid |= await self._unsaid(said)
        self.seen.said_wrongly |= {text for text in promise.hides if text in self._words()}
        await host.subject.kill()
        found = await trio.to_thread.run_sync(ledger.read, host.ledger)
        self.seen.damage, self.seen.missing = found.damage, self._names - found.firing
        acts.make_calm(host)
        await self._start()

    async def _resolve_all(self) -> None:
        """Let all be over. Each peer must hear it."""
        self._names.clear()
        self._say()

        def unresolved() -> set[str]:
            return {name for peer in self._peers for name in peer.unresolved()}

        await until(lambda: not unresolved(), MAX_CATCH_UP)
        self.seen.unresolved = unresolved()

    async def _start(self) -> None:
        await self._host.subject.start()
        self.seen.ready &= not self._host.subject.has_ended

    def _say(self, *names: str) -> None:
        """Let these conditions begin."""
        self._names |= set(names)
        for module in MODULES:
            told = self._names if module == MODULES[0] else ()
            check.write_script(self.directory / f"{module}.script", told)

    async def _status(self, *, strict: bool = True) -> dict[str, Any]:
        status = await self._host.subject.status()
        self.seen.answer = max(self.seen.answer, status.seconds if strict else 0.0)
        if status.document is None:
            self.seen.silent += strict
            return {}
        return status.document

    def _words(self) -> str:
        """Return all that was said."""
        return f"{self._host.subject.log} {' '.join(self._host.healthy.names)}"

    async def _not_shown(self, texts: tuple[str, ...]) -> set[str]:
        """Return what `status` does not say in time."""
        end = trio.current_time() + SAYING_TIMEOUT
        while True:
            shown = json.dumps(await self._status())
            missing = {text for text in texts if text not in shown}
            if not missing or trio.current_time() > end:
                return missing
            await trio.sleep(ASK_INTERVAL)

    async def _unsaid(self, texts: tuple[str, ...]) -> set[str]:
        """Return what is not said in time."""
        await until(lambda: all(text in self._words() for text in texts), SAYING_TIMEOUT)
        return {text for text in texts if text not in self._words()}


async def until(happened: Callable[[], bool], seconds: float) -> None:
    """Return when it has happened, or after some seconds."""
    with trio.move_on_after(seconds):
        while not happened():  # noqa: ASYNC110  # other processes set no trio event
            await trio.sleep(POLL)


def delivered_at(document: dict[str, Any], name: str) -> set[str]:
    """Return the peers that have a scripted condition, as `status` says."""
    return {
        url
        for alert in document.get("alerts", ())
        if alert["instance"] == name
        for url, state in alert["peers"].items()
        if state == "delivered"
    }


def is_settled(document: dict[str, Any], names: set[str]) -> bool:
    """Return whether the peers have all that is true, and the ledger can be written."""
    alerts = document["alerts"]
    return (
        all(len(delivered_at(document, name)) == 2 for name in names)
        and all(state == "delivered" for alert in alerts for state in alert["peers"].values())
        and not any(
            alert["alertname"] == "LedgerUnwritable" and alert["state"] == "firing"
            for alert in alerts
        )
    )
