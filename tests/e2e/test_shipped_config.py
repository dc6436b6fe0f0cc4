"""The shipped Alertmanager configuration under amtool, and how it talks to the mail server."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field

from tests.e2e.mailing import PASSWORD_FILE, SHIPPED, ShippedAlertmanager, alert
from tests.e2e.servers import ROOT, SmtpSink, wait_for

SMTPS = ("127.0.14.65", 465)
"""Port 465 itself, since by it alone Alertmanager knows that TLS comes first."""


def amtool(*arguments: str) -> str:
    done = subprocess.run(
        ["amtool", *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_accepts_it() -> None:
    said = amtool("check-config", str(SHIPPED))

    assert said.count("SUCCESS") == 2  # the file, and the templates
    assert " - 3 inhibit rules\n - 9 receivers\n - 1 templates\n" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("event_type=W", "warning-error-team"),
        ("event_type=E", "warning-error-team"),
        ("event_type=I", "info-team"),
        ("event_type=S", "su-team"),
        ("event_type=TE", "default"),
        ("event_type=WE", "default"),
        ("alertname=NoTypeAtAll", "default"),
        ("event_type=W event_id=1", "warning-error-reports"),
        ("event_type=E event_id=1", "warning-error-reports"),
        ("event_type=I event_id=1", "info-reports"),
        ("event_type=S event_id=1", "su-reports"),
        ("event_type=TE event_id=1", "default-reports"),
        ("alertname=Heartbeat check=supervisor event_type=I", "dead-mans-switch"),
        ("alertname=Heartbeat check=another event_type=I", "info-team"),
    ],
)
def test_amtool_finds_the_receiver(labels: str, receiver: str) -> None:
    command = ("config", "routes", "test", f"--config.file={SHIPPED}")

    assert amtool(*command, *labels.split()) == f"{receiver}\n"


def test_the_server_knows_the_flags_of_the_unit_and_of_the_readme() -> None:
    unit = (ROOT / "configs" / "systemd" / "alertmanager.service").read_text(encoding="utf-8")
    readme = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    known = subprocess.run(
        ["prometheus-alertmanager", "--help"], capture_output=True, text=True, check=False
    )

    flags = set(re.findall(r"--(?:cluster|config|data|storage|web)\.[a-z.-]+", unit + readme))
    assert "--data.maintenance-interval" in flags
    assert [flag for flag in flags if f" {flag}=" not in known.stderr + known.stdout] == []


@define
class SmtpsSink(SmtpSink):
    """Keeps who has logged in, too."""

    logins: list[tuple[bytes, bytes]] = field(factory=list)

    def login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login, given.password))
        return AuthResult(success=True)


@define
class SmtpsAlertmanager(ShippedAlertmanager):
    """The shipped configuration with its own port, user name and password file."""

    def configure(self, config: Path) -> None:
        super().configure(config)
        password = self.directory / "smtp-password"
        password.write_text("dummy", encoding="utf-8")
        text = config.read_text(encoding="utf-8")
        assert text.count(PASSWORD_FILE) == 1
        config.write_text(text.replace(PASSWORD_FILE, str(password)), encoding="utf-8")


@pytest.fixture
def smtps() -> Iterator[tuple[SmtpsSink, trustme.CA]]:
    try:
        socket.create_server(SMTPS).close()
    except PermissionError:
        pytest.skip("only root may listen on port 465")
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(SMTPS[0]).configure_cert(context)
    sink = SmtpsSink(port=SMTPS[1])
    controller = Controller(
        sink,
        *SMTPS,
        ssl_context=context,
        authenticator=sink.login,
        auth_exclude_mechanism=["LOGIN"],  # whose prompts are not those that Alertmanager knows
        auth_require_tls=False,  # it knows of STARTTLS alone, and here all is TLS
    )
    controller.start()
    yield sink, authority
    controller.stop()


def test_mail_goes_over_verified_tls_after_a_login(
    tmp_path: Path, smtps: tuple[SmtpsSink, trustme.CA], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, authority = smtps
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    servers = {name: tmp_path / name for name in ("trusting", "doubting")}
    started = []
    try:
        for name, directory in servers.items():
            directory.mkdir()
            # Go reads the authorities that the machine trusts from here.
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted if name == "trusting" else tmp_path))
            server = SmtpsAlertmanager(directory, f"{SMTPS[0]}:{SMTPS[1]}")
            started.append(server)
            server.start()
            server.post(alert(name, begun=datetime.now(UTC)))
        log = servers["doubting"] / "alertmanager.log"
        wait_for(lambda: sink.mails, 15, "no mail")
        wait_for(lambda: "x509: certificate" in log.read_text(encoding="utf-8"), 15, "no doubt")
    finally:
        for server in started:
            server.stop()

    assert [str(mail["Subject"])[:24] for mail in sink.mails] == ["KOR-PNR-TEST - E, trusti"]
    assert sink.logins == [(b"eborder.monitor", b"dummy")]
