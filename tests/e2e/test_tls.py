"""A real Alertmanager behind TLS, client certificates and passwords; nothing is lost on the way."""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from attrs import define, field

from tests.e2e.servers import AlertmanagerServer, SupervisorProcess, wait_for

PASSWORD = "dummy-password"  # noqa: S105 - the dummy that the hash below is of
BCRYPT = "$2b$04$idcM3WD3UenclUkfz2fpFOlh7w5ebO4wUlFMExTXi0mOoYqwVK9Xm"
WEB = """
tls_server_config:
  cert_file: {directory}/server.pem
  key_file: {directory}/server.key
  client_ca_file: {directory}/ca.pem
  client_auth_type: RequireAndVerifyClientCert
basic_auth_users:
  someone: {bcrypt}
"""
CONFIG = """
service = "TLS"
resend_interval = "1s"
[labels]
host = "h"
[alertmanager]
urls = ["{url}"]
min_visible = "4s"
{settings}

[[modules]]
check = "command"
name = "sick"
every = "1s"
[modules.params]
protocol = "text"
argv = ["false"]
"""


@define
class SecureAlertmanager(AlertmanagerServer):
    """Wants a certificate of its authority, and a password."""

    ca: trustme.CA = field(factory=trustme.CA)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self.ca.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        issue(self.ca, self.directory / "server", "127.0.0.1")
        issue(self.ca, self.directory / "client", "someone@example.invalid")
        text = WEB.format(directory=self.directory, bcrypt=BCRYPT)
        web = self.directory / "web.yml"
        web.write_text(text, encoding="utf-8")
        self.flags = (*self.flags, f"--web.config.file={web}")

    def get(self, path: str) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.directory / "ca.pem"))
        context.load_cert_chain(self.directory / "client.pem", self.directory / "client.key")
        return httpx.get(
            self.url + path, verify=context, auth=("someone", PASSWORD), trust_env=False
        )

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/api/v2/alerts").raise_for_status().json()
        return found

    def _is_ready(self) -> bool:
        try:
            return self.get("/-/ready").status_code == 200
        except httpx.HTTPError:
            return False


def issue(ca: trustme.CA, path: Path, name: str) -> None:
    made = ca.issue_cert(name)
    for number, pem in enumerate(made.cert_chain_pems):
        pem.write_to_path(f"{path}.pem", append=number > 0)
    made.private_key_pem.write_to_path(f"{path}.key")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureAlertmanager]:
    directory = tmp_path / "secure"
    directory.mkdir()
    server = SecureAlertmanager(directory, "127.0.0.1:1")
    server.prepare()
    server.start()
    yield server
    server.stop()


def settings(server: SecureAlertmanager, **changes: str) -> str:
    directory = server.directory
    (directory / "password").write_text(PASSWORD, encoding="utf-8")
    (directory / "password").chmod(0o600)
    values = {
        "ca_file": f'"{directory}/ca.pem"',
        "cert_file": f'"{directory}/client.pem"',
        "key_file": f'"{directory}/client.key"',
        "username": '"someone"',
        "password": f'{{ file = "{directory}/password" }}',
        **changes,
    }
    return "\n".join(f"{key} = {value}" for key, value in values.items() if value)


def test_certificates_and_password_are_shown(
    supervisor: SupervisorProcess, secure: SecureAlertmanager
) -> None:
    supervisor.config.write_text(CONFIG.format(url=secure.url, settings=settings(secure)))
    supervisor.start()
    wait_for(lambda: secure.names() == ["sick"], 20, "not delivered", lambda: supervisor.log)

    assert "is reachable" in supervisor.log
    assert PASSWORD not in supervisor.log


@pytest.mark.parametrize("fault", ["authority", "no client certificate", "password", "host name"])
def test_what_is_wrong_is_said_and_nothing_is_lost(
    supervisor: SupervisorProcess, secure: SecureAlertmanager, tmp_path: Path, fault: str
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong", encoding="utf-8")
    wrong.chmod(0o600)
    url = secure.url.replace("127.0.0.1", "localhost") if fault == "host name" else secure.url
    bad, said = {
        "authority": (
            settings(secure, ca_file=f'"{other}"'),
            "certificate: the peer's is not trusted: ",
        ),
        "no client certificate": (
            settings(secure, cert_file="", key_file=""),
            "certificate: the peer refuses ours: ",
        ),
        "password": (settings(secure, password=f'{{ file = "{wrong}" }}'), "HTTP 401"),
        "host name": (
            settings(secure),
            "Hostname mismatch, certificate is not valid for 'localhost'",
        ),
    }[fault]
    supervisor.config.write_text(CONFIG.format(url=url, settings=bad))
    supervisor.start()
    wait_for(
        lambda: "FIRING   TE PeerMisconfigured" in supervisor.log,
        20,
        "not announced",
        lambda: supervisor.log,
    )
    assert said in supervisor.log
    supervisor.stop()
    supervisor.config.write_text(CONFIG.format(url=secure.url, settings=settings(secure)))
    supervisor.start()

    wait_for(lambda: "sick" in secure.names(), 20, "was lost", lambda: supervisor.log)


def test_a_renewed_certificate_is_taken_up_by_a_reload(
    supervisor: SupervisorProcess, secure: SecureAlertmanager
) -> None:
    client = secure.directory / "client"
    good = {path: path.read_bytes() for path in secure.directory.glob("client.*")}
    issue(trustme.CA(), client, "someone@example.invalid")
    supervisor.config.write_text(CONFIG.format(url=secure.url, settings=settings(secure)))
    supervisor.start()
    wait_for(lambda: "the peer refuses ours" in supervisor.log, 20, "taken", lambda: supervisor.log)
    for path, content in good.items():
        path.write_bytes(content)
    os.kill(supervisor.pid, signal.SIGHUP)
    refused = supervisor.log

    wait_for(lambda: "is reachable" in supervisor.log, 20, "not renewed", lambda: supervisor.log)
    assert "is reachable" not in refused


def test_a_certificate_that_cannot_be_loaded_prevents_the_start(
    supervisor: SupervisorProcess, secure: SecureAlertmanager
) -> None:
    missing = settings(secure, ca_file='"/nonexistent/ca.pem"')
    supervisor.config.write_text(CONFIG.format(url=secure.url, settings=missing))
    supervisor.launch("")
    assert supervisor.process is not None

    assert supervisor.process.wait(20) in (1, 78)
    assert "/nonexistent/ca.pem" in supervisor.log
