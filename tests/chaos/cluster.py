"""Three real Alertmanagers that gossip on loopback, each behind a gate, and a sink for mails.

An Alertmanager is killed alone; the gates are closed together, which is an outage for the
supervisor and nothing to the cluster.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from re import search

import trio
from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import define, field

from tests.chaos.mails import Death, Mail
from tests.support.ports import free_port

MAINTENANCE = 2.0
PEER_TIMEOUT = 2.0
GOSSIP = 0.2
SETTLED = 8.0
"""Seconds: until a peer has saved what it did, by which each waits longer than the one before it,
until the others know what a peer did, and until one that has been started does its work."""


@define
class Sink:
    """Keeps the mails. `die_after_data` times it takes a mail and ends without an answer.

    It lives in a thread of its own, and calls `took` there.
    """

    mails: list[Mail] = field(factory=list)
    die_after_data: int = 0
    took: Callable[[], None] | None = None

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        dies = self.die_after_data > 0
        self.mails.append(_read(mail, answered=not dies))
        if dies:
            self.die_after_data -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        elif self.took is not None:
            self.took()
        return "250 OK"


def _read(mail: EmailMessage, *, answered: bool) -> Mail:
    module, instance, event_id = str(mail["Subject"]).replace("\n", "").split("|")
    part = mail.get_body(("html",))
    assert part is not None
    text = search("<p>(.*?)</p>", part.get_content())
    assert text is not None
    second = unescape(text[1]) if event_id else instance
    return Mail(time.time(), (module, second), str(mail["X-Peer"]), answered)


@define
class Gate:
    """Passes TCP connections on to a port on loopback while it is open."""

    target: int
    port: int = field(factory=free_port)
    is_open: bool = True
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def live(self) -> None:
        """Listen whenever the gate is open, until cancelled."""
        while True:
            with trio.CancelScope() as self._scope:
                await trio.serve_tcp(self._pass_on, self.port, host="127.0.0.1")
            while not self.is_open:
                await self._changed.park()

    def close(self) -> None:
        self.is_open = False
        self._scope.cancel()

    def open(self) -> None:
        self.is_open = True
        self._changed.unpark_all()

    async def _pass_on(self, outside: trio.SocketStream) -> None:
        try:
            inside = await trio.open_tcp_stream("127.0.0.1", self.target)
        except OSError:
            return
        async with inside, trio.open_nursery() as nursery:
            for source, drain in ((outside, inside), (inside, outside)):
                nursery.start_soon(_pump, source, drain, nursery.cancel_scope)


async def _pump(source: trio.SocketStream, drain: trio.SocketStream, end: trio.CancelScope) -> None:
    try:
        async for chunk in source:
            await drain.send_all(chunk)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # one of the two has gone
    end.cancel()


@define
class Member:
    """One Alertmanager of the cluster; `others` are the gossip ports of the rest."""

    name: str
    directory: Path
    smtp: int
    web: int = field(factory=free_port)
    gossip: int = field(factory=free_port)
    others: tuple[int, ...] = ()
    started: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        template = Path(__file__).with_name("alertmanager.yml").read_text(encoding="utf-8")
        config = self.directory / "alertmanager.yml"
        text = template.replace("@SMARTHOST@", f"127.0.0.1:{self.smtp}")
        config.write_text(text.replace("@PEER@", self.name), encoding="utf-8")
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={config}",
                    f"--storage.path={self.directory / 'storage'}",
                    f"--web.listen-address=127.0.0.1:{self.web}",
                    f"--cluster.listen-address=127.0.0.1:{self.gossip}",
                    *(f"--cluster.peer=127.0.0.1:{port}" for port in self.others),
                    f"--cluster.peer-timeout={PEER_TIMEOUT:g}s",
                    "--cluster.gossip-interval=50ms",
                    "--cluster.pushpull-interval=2s",
                    "--cluster.probe-interval=500ms",
                    "--cluster.probe-timeout=250ms",
                    "--cluster.reconnect-interval=1s",
                    f"--data.maintenance-interval={MAINTENANCE:g}s",
                    "--log.level=debug",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.started = time.monotonic()

    def settles_in(self) -> float:
        """Return in how many seconds it does its work, if it has been started."""
        return max(0.0, self.started + SETTLED - time.monotonic())

    def kill(self) -> Death:
        """End it as a power cut would."""
        assert self.process is not None
        moment = time.time()
        self.process.kill()
        self.process.wait()
        self.process = None
        return Death(moment, self.name)
