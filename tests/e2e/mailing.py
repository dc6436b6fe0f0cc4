"""The shipped Alertmanager configuration in a real Alertmanager, and an SMTP sink to be killed."""

from __future__ import annotations

import mailbox
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import define, field

from tests.e2e.servers import ROOT, AlertmanagerServer, wait_for
from tests.support.ports import free_port

SHIPPED = ROOT / "configs" / "alertmanager" / "alertmanager.yml"
LEGACY = Path(__file__).with_name("legacy-alertmanager.yml")
TEMPLATES = SHIPPED.parent / "templates"

SMARTHOST = "mail.example.invalid:465"
HEARTBEAT_URL = "http://127.0.0.1:9095/heartbeat"
HEARTBEAT_REPEAT = "repeat_interval: 50s"
PASSWORD_FILE = "/etc/alertmanager/smtp-password"  # noqa: S105 - a path
EXTERNAL_URL = "https://alertmanager.example.invalid"
START = datetime(2026, 11, 22, tzinfo=UTC)


def shipped(smarthost: str, **intervals: str) -> str:
    """Return the shipped file with another smarthost and other intervals (all of one name)."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count(SMARTHOST) == text.count(HEARTBEAT_REPEAT) == 1
    text = text.replace(SMARTHOST, smarthost).replace(HEARTBEAT_REPEAT, "repeat_interval: 1s")
    for name, value in intervals.items():
        text, count = re.subn(rf"(?m)^( *{name}:) \S+", rf"\1 {value}", text)
        assert count, f"no {name} in the shipped file"
    return text


@define
class ShippedAlertmanager(AlertmanagerServer):
    """A real Alertmanager with the shipped configuration, only quicker."""

    flags: tuple[str, ...] = ("--cluster.listen-address=", f"--web.external-url={EXTERNAL_URL}")
    heartbeat_url: str = "http://127.0.0.1:1/heartbeat"
    intervals: Mapping[str, str] = field(
        factory=lambda: {"group_wait": "500ms", "group_interval": "500ms"}
    )

    def configure(self, config: Path) -> None:
        shutil.copytree(TEMPLATES, config.parent / "templates", dirs_exist_ok=True)
        text = shipped(self.smarthost, **self.intervals)
        config.write_text(text.replace(HEARTBEAT_URL, self.heartbeat_url), encoding="utf-8")


@define
class LegacyAlertmanager(AlertmanagerServer):
    """The configuration of the legacy agent's server as it was found, but for its mail server."""

    waits: str = "2s"
    """`group_wait` and `group_interval`: a fifth of what they were, so that a test is quicker."""

    send_resolved: bool = False
    """Whether what is resolved is mailed, too. As it was found, it is not."""

    def configure(self, config: Path) -> None:
        text = LEGACY.read_text(encoding="utf-8")
        assert text.count(SMARTHOST) == text.count("group_wait: 10s") == 1
        text = text.replace(SMARTHOST, self.smarthost)
        if self.send_resolved:
            text = re.sub(r"(?m)^( +)- to: .*", r"\g<0>\n\1  send_resolved: true", text)
        text = re.sub(r"(group_(wait|interval)): 10s", rf"\1: {self.waits}", text)
        config.write_text(text, encoding="utf-8")


def cluster(directory: Path, smarthost: str, count: int) -> list[ShippedAlertmanager]:
    """Return the peers of one cluster, which wait 3 s for each other, not 15."""
    gossip = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    peers = []
    for own in gossip:
        home = directory / own.replace(":", "-")
        home.mkdir()
        flags = [f"--cluster.listen-address={own}", f"--cluster.advertise-address={own}"]
        flags += [f"--cluster.peer={other}" for other in gossip if other != own]
        flags += ["--cluster.peer-timeout=3s", "--cluster.gossip-interval=50ms"]
        flags += ["--cluster.probe-interval=200ms", "--cluster.probe-timeout=100ms"]
        flags += ["--cluster.settle-timeout=5s", "--cluster.pushpull-interval=1s"]
        peers.append(ShippedAlertmanager(home, smarthost, flags=tuple(flags)))
    return peers


def flushed(server: AlertmanagerServer, times: int = 2) -> None:
    """Wait until whatever the server holds was looked at twice, so surely mailed if it ever is.

    `times` is more than 2 if the server has more than one group.
    """
    seen = server.metric("alertmanager_nflog_queries_total")
    wait_for(
        lambda: server.metric("alertmanager_nflog_queries_total") >= seen + times, 15, "no flush"
    )


def alert(
    alertname: str,
    event_type: str = "E",
    *,
    message: str = "",
    notes: Mapping[str, str] = MappingProxyType({}),
    begun: datetime = START,
    lasted: float | None = None,
    **labels: str,
) -> dict[str, Any]:
    """Return an alert as a supervisor in Seoul sends it; with `lasted` (seconds) it is over."""
    now = datetime.now(UTC)
    end = now + timedelta(minutes=4) if lasted is None else begun + timedelta(seconds=lasted)
    return {
        "labels": {
            "alertname": alertname,
            "event_type": event_type,
            "service": "KOR-PNR-TEST",
            "host": "kor1",
            "check": "connection",
            **labels,
        },
        "annotations": {"message": message, "event_time": "2026-11-22 09:00:00", **notes},
        "startsAt": begun.isoformat(),
        "endsAt": end.isoformat(),
        "generatorURL": "http://127.0.0.1:9477/",
    }


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """Return the plain or HTML part of a mail."""
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def subjects(mails: Iterable[EmailMessage]) -> list[str]:
    return sorted(str(mail["Subject"]) for mail in mails)


@define
class MailboxSink:
    """An SMTP server in a process of its own, which keeps each mail as a file."""

    directory: Path
    port: int = field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{self.port}"),
                *("-c", "aiosmtpd.handlers.Mailbox", os.fspath(self.directory)),
            ],
            stdin=subprocess.DEVNULL,
        )
        wait_for(self._answers, 20, "the SMTP sink does not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def mails(self) -> list[EmailMessage]:
        if not (self.directory / "new").exists():
            return []
        found = []
        for key, raw in mailbox.Maildir(self.directory).iteritems():
            mail = message_from_bytes(raw.as_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage), key
            found.append(mail)
        return found

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
