"""Certificates of ports, with a real handshake, and their files."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from supervisor.discover.draft import Finding
from supervisor.discover.sources import certificates
from supervisor.discover.sources.listeners import Listener, Program
from tests.support.ports import free_port

NAME = "shop.example.invalid"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this host trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authorities.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    return made


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /etc/ssl."""
    made = tmp_path / "ssl"
    (made / "private").mkdir(parents=True)
    monkeypatch.setattr(certificates, "DIRECTORY", made)
    return made


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(made)
    return made


@contextmanager
def tls_port(certificate: trustme.LeafCert) -> Iterator[Listener]:
    """Serve handshakes on a free port."""
    tls = context(certificate)
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                with plain:
                    try:
                        tls.wrap_socket(plain, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        yield Listener(port, "127.0.0.1", Program(1, "nginx"))
        server.shutdown(2)
    thread.join()


def texts(finding: Finding) -> list[str]:
    (draft,) = finding.modules
    return [item.text for item in draft.items]


def test_a_trusted_certificate_is_watched_under_its_name(
    authority: trustme.CA, directory: Path
) -> None:
    certificate = authority.issue_cert("*.example.invalid", NAME)
    pem = certificate.cert_chain_pems[0]
    pem.write_to_path(str(directory / "shop.pem"))
    pem.write_to_path(str(directory / "secret.pem"))
    pem.write_to_path(str(directory / "private" / "shop.pem"))
    (directory / "other.pem").write_text("no certificate", encoding="utf-8")
    (directory / "secret.pem").chmod(0o600)
    with tls_port(certificate) as listener:
        finding = certificates.certificates([listener])

    assert texts(finding) == [
        f'{{ name = "nginx-{listener.port}", host = "127.0.0.1", port = {listener.port}, '
        f'server_name = "{NAME}" }}',
        f'{{ name = "{directory}/shop.pem", file = "{directory}/shop.pem" }}',
    ]
    assert finding.modules[0].items[0].note.startswith("until 3000-")


def test_one_that_this_host_does_not_trust_need_not_be_trusted(
    authority: trustme.CA, directory: Path
) -> None:
    with tls_port(trustme.CA().issue_cert(NAME)) as listener:
        finding = certificates.certificates([listener])

    assert texts(finding)[0].endswith("verify = false }")
    assert "does not trust it" in finding.modules[0].items[0].note


def test_a_port_that_does_not_answer_in_tls_has_no_certificate(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "HANDSHAKE_SECONDS", 0.1)
    with create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        finding = certificates.certificates([Listener(port, "127.0.0.1"), Listener(1, "127.0.0.1")])

    assert finding == Finding(left_out=("certificates: none of the ports answers in TLS",))


def test_protocols_that_a_handshake_would_disturb_are_not_asked() -> None:
    asked = [
        Listener(443, "::1"),
        Listener(2222, "::1", Program(1, "sshd")),
        Listener(3306, "::1"),
    ]

    assert [each.port for each in asked if certificates._may_use_tls(each)] == [443]


def test_a_mail_server_is_asked_after_starttls(
    authority: trustme.CA, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setattr(certificates, "SMTP_PORTS", (port,))
    tls = context(authority.issue_cert(NAME))
    server = Controller(Sink(), hostname="127.0.0.1", port=port, tls_context=tls)
    server.start()
    try:
        finding = certificates.certificates([Listener(port, "127.0.0.1")])
    finally:
        server.stop()

    assert texts(finding) == [
        f'{{ name = "port-{port}", host = "127.0.0.1", port = {port}, starttls = "smtp", '
        f'server_name = "{NAME}" }}'
    ]


def test_a_certificate_with_a_name_of_a_rare_kind_does_not_end_the_survey() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    unnamed = x509.Name([])
    edi_party_name = bytes.fromhex("3004a5023000")
    made = (
        x509.CertificateBuilder(unnamed, unnamed, key.public_key(), 1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, edi_party_name),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )

    assert certificates._read(made.public_bytes(Encoding.DER)) == ((), "2027-01-01")
