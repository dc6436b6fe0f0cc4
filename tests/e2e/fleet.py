"""Many hosts in one machine: a supervisor for each, and the servers above them, all real."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import httpx
from attrs import define, field, frozen

from tests.e2e.mailing import ShippedAlertmanager, cluster, text_of
from tests.e2e.prometheus import PrometheusServer
from tests.e2e.servers import SmtpSink, SupervisorProcess, wait_for
from tests.e2e.webhook import Webhook
from tests.support.ports import free_port

SERVICE = "FLEET"

HEAD = """
service = "{service}"
heartbeat = true
resend_interval = "{resend}"
[labels]
host = "{host}"
[alertmanager]
urls = {urls}
[status]
listen = "{address}"
[fallback]
after = "1h"
[fallback.command]
argv = ["true"]
"""

WATCHED = """
[[modules]]
check = "connection"
name = "{name}"
every = "{every}"
[modules.labels]
{labels}
[modules.params]
servers = [{{ name = "{name}", host = "127.0.0.1", port = {port} }}]
"""

USUAL = (
    ("disk", 'filesystems = [{ filesystem = "/", max_use_percent = 100 }]'),
    ("inode", 'filesystems = [{ filesystem = "/", max_use_percent = 100 }]'),
    ("session", "max_total = 1000000"),
)

BROKEN = """
[[modules]]
check = "command"
name = "broken"
every = "{every}"
[modules.params]
protocol = "nagios"
argv = ["/nonexistent/plugin"]
"""


@frozen
class Settings:
    """Of a trial: how many hosts with how many modules, how often things happen.

    Empty texts leave what is shipped as it is.
    """

    hosts: int
    modules: int = 20
    every: str = "60s"
    look: str = "10s"
    resend: str = "60s"
    scrape: str = ""
    patience: str = ""
    repeat: str = ""
    alertmanagers: int = 1
    wait: str = ""


@define
class Door:
    """A TCP port that all hosts look at."""

    port: int = 0
    _socket: socket.socket | None = None

    def open(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self._socket.getsockname()[1]
        Thread(target=self._meet, args=(self._socket,), daemon=True).start()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            self._socket.close()
            self._socket = None

    def _meet(self, listener: socket.socket) -> None:
        while True:
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            visitor.close()


@define
class Host(SupervisorProcess):
    """A host with its supervisor; hosts differ by their addresses, as they do in life."""

    name: str = ""
    address: str = ""

    @classmethod
    def make(cls, number: int, directory: Path, port: int) -> Host:
        home = directory / f"host-{number:03}"
        home.mkdir()
        address = f"127.0.{100 + number // 250}.{1 + number % 250}:{port}"
        return cls(home, service="Fleet", name=home.name, address=address)

    def configure(self, settings: Settings, urls: list[str], own: int, shared: int) -> None:
        """Write its service file; the two ports are looked at by each host."""
        parts = [
            HEAD.format(
                service=SERVICE,
                resend=settings.resend,
                host=self.name,
                urls=json.dumps(urls),
                address=self.address,
            ),
            WATCHED.format(name="gateway", every=settings.look, labels="", port=own),
            WATCHED.format(
                name="shared", every=settings.look, labels='scope = "fleet"', port=shared
            ),
        ]
        if self.name.endswith("-000"):
            parts.append(BROKEN.format(every=settings.look))
        for number in range(settings.modules - len(parts) + 1):
            check, params = USUAL[number % len(USUAL)]
            head = f'[[modules]]\ncheck = "{check}"\nname = "{check}-{number}"'
            parts.append(f'{head}\nevery = "{settings.every}"\n[modules.params]\n{params}\n')
        self.config.write_text("\n".join(parts), encoding="utf-8")

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it has ended:\n{self.log}"
        try:
            return httpx.get(f"http://{self.address}/-/ready", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


@define
class Fleet:
    """All of it; `gateway` and `shared` are what every host looks at."""

    hosts: list[Host]
    alertmanagers: list[ShippedAlertmanager]
    prometheus: PrometheusServer
    sink: SmtpSink
    webhook: Webhook
    gateway: Door = field(factory=Door)
    shared: Door = field(factory=Door)

    @classmethod
    @contextmanager
    def running(cls, directory: Path, settings: Settings) -> Iterator[Fleet]:
        """Start everything; end it afterwards."""
        with SmtpSink().running() as sink, Webhook.running() as webhook, ExitStack() as stack:
            port = free_port()
            hosts = [Host.make(number, directory, port) for number in range(settings.hosts)]
            peers = _peers(directory, sink, webhook, settings)
            home = directory / "prometheus"
            home.mkdir()
            prometheus = PrometheusServer(
                home,
                [peer.url.removeprefix("http://") for peer in peers],
                {host.name: host.address for host in hosts},
                interval=settings.scrape,
                patience=settings.patience,
                repeat=settings.repeat,
            )
            fleet = cls(hosts, peers, prometheus, sink, webhook)
            for door in (fleet.gateway, fleet.shared):
                door.open()
                stack.callback(door.close)
            for peer in peers:
                stack.callback(peer.stop)
                peer.start()
            stack.callback(prometheus.stop)
            prometheus.start()
            fleet._launch(settings, stack)
            yield fleet

    def _launch(self, settings: Settings, stack: ExitStack) -> None:
        urls = [peer.url for peer in self.alertmanagers]
        for host in self.hosts:
            host.configure(settings, urls, self.gateway.port, self.shared.port)
            stack.callback(host.kill)
            host.launch("")
        for host in self.hosts:
            wait_for(host.is_ready, 120, f"{host.name} is not ready")

    def mails(self, check: str, *, resolved: bool = False) -> Counter[str]:
        """Return of how many mails about a check each host is part."""
        found: Counter[str] = Counter()
        for mail in [*self.sink.mails]:
            if str(mail["Subject"]).startswith("[RESOLVED]") == resolved:
                hosts = re.findall(rf"(?m)^Where: +(\S+), .*check {check}$", text_of(mail))
                found.update(set(hosts))
        return found

    def count(self, topic: str) -> int:
        """Return how many mails have this in their subject."""
        return sum(topic in subject for subject in self.sink.subjects())

    def heartbeats(self) -> Counter[str]:
        """Return how often the receiver of heartbeats was called for each host."""
        return Counter(
            notification["commonLabels"].get("host", notification["commonLabels"]["service"])
            for notification in self.webhook.notifications()
        )


def _peers(
    directory: Path, sink: SmtpSink, webhook: Webhook, settings: Settings
) -> list[ShippedAlertmanager]:
    peers = cluster(directory, f"127.0.0.1:{sink.port}", settings.alertmanagers)
    own = ("--cluster.listen", "--cluster.advertise", "--cluster.peer=", "--web")
    for peer in peers:
        # They wait for each other, and talk, as long and as often as they do by default.
        peer.flags = tuple(flag for flag in peer.flags if flag.startswith(own))
        if len(peers) == 1:
            peer.flags = ("--cluster.listen-address=",)
        wait = settings.wait
        peer.intervals = {"group_wait": wait, "group_interval": wait} if wait else {}
        peer.heartbeat_url = webhook.url
    return peers
