"""A supervisor with a fallback, two real Alertmanagers and a real mail server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import define, frozen

from tests.e2e.servers import AlertmanagerServer, SmtpSink, SupervisorProcess
from tests.support.mail_server import PASSWORD, USER, Delivered, MailServer, own_address

AFTER, EVERY = 2.0, 6.0

CONFIG = """
service = "KOR"
timezone = "Asia/Seoul"
resend_interval = "1s"
report_lifetime = "20s"
[labels]
host = "kor1"
[alertmanager]
urls = [{urls}]
min_visible = "2s"
timeout = "2s"
{fallback}
"""
FALLBACK = """
[fallback]
after = "{after}s"
every = "{every}s"
[fallback.mail]
server = "{mail.address}"
from = "monitor@example.invalid"
to = ["oncall@example.invalid"]
username = "{user}"
password = {{ file = "smtp" }}
ca_file = "{mail.ca_file}"
"""
MODULE = """
[[modules]]
check = "command"
name = "{name}"
every = "1s"
[modules.params]
protocol = "text"
event_type = "{event_type}"
argv = ["/bin/sh", "-c", "test ! -e {flag}"]
"""
MODULES = {"error-a": "E", "error-b": "E", "error-c": "E", "warning": "W"}
"""Modules and their event types. Each fires while a file with its name is there."""


@frozen
class Digest:
    """A digest that has arrived."""

    mail: Delivered

    @property
    def made_at(self) -> float:
        """When its first try began, in Unix seconds."""
        return int(self.mail.identity.split(".")[1]) / 1000


@define
class Lab:
    """All that takes part."""

    supervisor: SupervisorProcess
    alertmanagers: tuple[AlertmanagerServer, AlertmanagerServer]
    mail: MailServer
    sink: SmtpSink

    @property
    def flags(self) -> Path:
        return self.supervisor.directory

    def configure(self, *, fallback: bool = True) -> None:
        urls = ", ".join(f'"{each.url}"' for each in self.alertmanagers)
        table = FALLBACK.format(after=AFTER, every=EVERY, mail=self.mail, user=USER)
        table = table.replace(".0s", "s")
        secret = self.flags / "smtp"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        modules = "".join(
            MODULE.format(name=name, event_type=event_type, flag=self.flags / name)
            for name, event_type in MODULES.items()
        )
        text = CONFIG.format(urls=urls, fallback=table if fallback else "")
        self.supervisor.config.write_text(text + modules, encoding="utf-8")

    def fire(self, name: str) -> float:
        (self.flags / name).touch()
        return time.time()

    def kill_alertmanagers(self) -> None:
        for each in self.alertmanagers:
            each.stop()

    def start_alertmanagers(self) -> None:
        for each in self.alertmanagers:
            each.start()

    def of_kind(self, kind: str) -> list[Delivered]:
        return [each for each in self.mail.mails if each.identity.startswith(f"<{kind}.")]

    @property
    def digests(self) -> list[Digest]:
        """Each digest once, though a kill may have repeated it."""
        found = {each.identity: each for each in reversed(self.of_kind("digest"))}
        return sorted(map(Digest, found.values()), key=lambda digest: digest.made_at)

    def mailed(self, name: str) -> int:
        """Return how many mails of the Alertmanagers name an alert."""
        return sum(f", {name}" in subject for subject in self.sink.subjects())


@pytest.fixture
def lab(supervisor: SupervisorProcess, smtp_sink: SmtpSink, tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        servers = []
        for number in range(2):
            home = tmp_path / f"alertmanager-{number}"
            home.mkdir()
            servers.append(AlertmanagerServer(home, f"127.0.0.1:{smtp_sink.port}"))
            stack.callback(servers[-1].stop)
        mail = MailServer(own_address(465), 465, tmp_path)
        stack.enter_context(mail.running())
        yield Lab(supervisor, (servers[0], servers[1]), mail, smtp_sink)
