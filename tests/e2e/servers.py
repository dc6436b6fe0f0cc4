"""Real programs for the end-to-end tests: a supervisor, an Alertmanager and an SMTP sink."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import define, field

from tests.support.patience import Patience
from tests.support.ports import free_port

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
POLL = 0.05


def wait_for(
    what: Callable[[], T], seconds: float, otherwise: str, log: Callable[[], str] = str
) -> T:
    """Return the first true value of `what()`; fail with the log when there is none in time."""
    patience = Patience(seconds)
    while not (found := what()):
        assert not patience.is_over(), f"{otherwise}\n{log()}"
        time.sleep(POLL)  # real programs take real time
    return found


@define
class SmtpSink:
    """Keeps every mail that it is given."""

    mails: list[EmailMessage] = field(factory=list)
    port: int = field(factory=free_port)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def subjects(self) -> list[str]:
        return sorted(str(mail["Subject"]) for mail in self.mails)

    def body(self, subject_part: str) -> str:
        """Return the text of the one mail whose subject holds the part."""
        (mail,) = (mail for mail in self.mails if subject_part in str(mail["Subject"]))
        part = mail.get_body(("html", "plain"))
        assert part is not None
        text: str = part.get_content()
        return text

    @contextmanager
    def running(self) -> Iterator[SmtpSink]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()


@define
class AlertmanagerServer:
    """A real Alertmanager on loopback, with the legacy routes and templates."""

    directory: Path
    smarthost: str
    port: int = field(factory=free_port)
    flags: tuple[str, ...] = ("--cluster.listen-address=",)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def configure(self, config: Path) -> None:
        """Write the configuration file."""
        template = Path(__file__).with_name("alertmanager.yml").read_text(encoding="utf-8")
        config.write_text(template.replace("@SMARTHOST@", self.smarthost), encoding="utf-8")

    def start(self) -> None:
        config = self.directory / "alertmanager.yml"
        self.configure(config)
        with (self.directory / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={config}",
                    f"--storage.path={self.directory / 'storage'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    *self.flags,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_for(self._is_ready, 40, "Alertmanager does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def alerts(self) -> list[dict[str, Any]]:
        """Return what the API shows as active."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", trust_env=False)
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    def names(self) -> list[str]:
        return sorted(alert["labels"]["alertname"] for alert in self.alerts())

    def post(self, *alerts: Mapping[str, Any]) -> None:
        answer = httpx.post(f"{self.url}/api/v2/alerts", json=alerts, trust_env=False)
        assert answer.status_code == 200, answer.text

    def metric(self, name: str) -> float:
        """Return the sum of all series of one metric; 0 when there is none."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).raise_for_status().text
        return sum(float(value) for value in re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", text))

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


@define
class SupervisorProcess:
    """`python -m supervisor` started as systemd would: it says on a socket when it is ready."""

    directory: Path
    service: str = "Test"
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.directory / f"{self.service}.toml"

    @property
    def log(self) -> str:
        return (self.directory / "supervisor.log").read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *arguments: str) -> None:
        """Start it and wait until it says that it is ready."""
        address = f"\0supervisor-test-{os.getpid()}-{free_port()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(address)
            self.launch("@" + address[1:], *arguments)
            sock.settimeout(POLL)
            wait_for(lambda: self._is_ready(sock), 20, "not ready", lambda: self.log)

    def launch(self, notify_socket: str, *arguments: str) -> None:
        """Start it, and let it tell this socket what it tells systemd."""
        with (self.directory / "supervisor.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "run", *self.options(), *arguments],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"NOTIFY_SOCKET": notify_socket},
            )

    def _is_ready(self, sock: socket.socket) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it has ended:\n{self.log}"
        try:
            return b"READY=1" in sock.recv(4096)
        except TimeoutError:
            return False

    def options(self) -> list[str]:
        state = self.directory / "state"
        return [
            f"--service={self.service}",
            f"--config-dir={self.directory}",
            f"--state-dir={state}",
        ]

    def stop(self, seconds: float = 15) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not stop:\n{self.log}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
