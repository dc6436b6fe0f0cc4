"""Certificates as trustme does not make them: of any age, any chain, and against RFC 5280."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@frozen
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    days: float = 100,
    begins_in: float = -1,
    authority: bool = False,
    critical: bool = True,
    hosts: Sequence[str] = (),
) -> Issued:
    """Return a certificate that `issuer`, or its own key, has signed. Times are in days from now.

    With `critical` false it breaks RFC 5280: an authority must mark its basicConstraints critical.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.certificate.subject if issuer else subject
    signing = issuer.key if issuer else key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(begins_in))
        .not_valid_after(now + timedelta(days))
        .add_extension(x509.BasicConstraints(authority, None), critical)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False
        )
    )
    if authority:
        builder = builder.add_extension(_signs_certificates(), True)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_general, hosts)), False)
    return Issued(builder.sign(signing, hashes.SHA256()), key)


def server(leaf: Issued, *others: Issued, directory: Path) -> ssl.SSLContext:
    """Return the TLS context of a server that shows these certificates."""
    path = directory / f"{leaf.certificate.serial_number}.pem"
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(key + b"".join(each.pem for each in (leaf, *others)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def pem_file(directory: Path, *issued: Issued) -> Path:
    """Return a PEM file of these certificates."""
    path = directory / f"{issued[0].certificate.serial_number}.pem"
    path.write_bytes(b"".join(each.pem for each in issued))
    return path


def be_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let contexts begin with the flags that they have from Python 3.13 on."""
    create = ssl.create_default_context

    def create_strict(*arguments: object, **settings: object) -> ssl.SSLContext:
        context = create(*arguments, **settings)  # type: ignore[arg-type]  # passed on
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create_strict)


def _signs_certificates() -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name == "key_cert_sign" for name in names})


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
