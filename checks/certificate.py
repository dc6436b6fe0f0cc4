"""Watches when certificates end, and whether they are trusted: of TLS ports and of PEM files.

Coming from Monit: `certificate valid`; Icinga: `ssl_cert`; Telegraf: `x509_cert`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import trio
from attrs import Attribute, field, frozen

from checks._certificates import Expiry, judge, of_der, of_pem, reason
from checks._smtp import start_tls
from checks._validators import is_port
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Duration,
    Observation,
    StillHanging,
    probe,
)

MOST_BYTES = 4 << 20
"""Of a PEM file."""


@frozen
class Certificate:
    """One certificate: of a port when it has a `host`, else of a `file`."""

    name: str = field(metadata={"help": "what it is called in the alert; unique"})
    host: str = field(default="", metadata={"help": "an IP address or a name"})
    port: int = field(default=443, validator=is_port, metadata={"help": "its TCP port"})
    server_name: str = field(
        default="", metadata={"help": "the name that must be in the certificate; default: host"}
    )
    starttls: Literal["", "smtp"] = field(
        default="", metadata={"help": "'smtp': TLS begins after STARTTLS"}
    )
    file: Path | None = field(default=None, metadata={"help": "a PEM file; all in it count"})
    ca_file: Path | None = field(
        default=None, metadata={"help": "who is trusted; default: the system's authorities"}
    )
    verify: bool = field(
        default=True, metadata={"help": "false: the certificate need not be trusted"}
    )
    warn_days: float = field(default=30.0, metadata={"help": "W with fewer days left"})
    error_days: float = field(default=7.0, metadata={"help": "E with fewer days left"})

    @name.validator
    def _is_not_empty(self, _: Attribute[str], value: str) -> None:
        if not value.strip():
            raise ValueError("is empty; write what the certificate is called")

    def __attrs_post_init__(self) -> None:
        if bool(self.host) == (self.file is not None):
            raise ValueError("needs either host or file; write one of them")


@frozen
class Params:
    """The certificates, and how long each may take to be had."""

    certificates: tuple[Certificate, ...] = field(metadata={"help": "the certificates"})
    connect_timeout: Duration = field(
        default=Duration(10), metadata={"help": "for connection and handshake together"}
    )

    @certificates.validator
    def _have_names_of_their_own(
        self, _: Attribute[tuple[Certificate, ...]], value: tuple[Certificate, ...]
    ) -> None:
        names = [certificate.name for certificate in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"has {', '.join(twice)} more than once; give each its own name")


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each certificate that ends soon, is not trusted or cannot be had."""
    observed: dict[str, list[Observation]] = {}

    async def examine(certificate: Certificate) -> None:
        observed[certificate.name] = await _examine(context, certificate, params.connect_timeout)

    async with trio.open_nursery() as nursery:
        for certificate in params.certificates:
            nursery.start_soon(examine, certificate)
    return [seen for certificate in params.certificates for seen in observed[certificate.name]]


async def _examine(
    context: Context,
    certificate: Certificate,
    timeout: float,  # noqa: ASYNC109  # each certificate has its own
) -> list[Observation]:
    name = certificate.name
    try:
        with trio.fail_after(timeout):
            expiry = await (_of_file(certificate) if certificate.file else _of_port(certificate))
    except (trio.TooSlowError, StillHanging):
        return [_failed(certificate, f"no answer within {timeout:g} s")]
    except ssl.SSLError as error:
        return [Condition("Certificate invalid", "E", name, f"{name}: {reason(error)}")]
    except (OSError, EOFError) as error:
        return [_failed(certificate, getattr(error, "strerror", None) or str(error))]
    except ValueError as error:
        message = f"{name}: this is no certificate: {error}"
        return [Condition("Certificate invalid", "E", name, message)]
    limits = certificate.warn_days, certificate.error_days
    return [*judge(name, expiry, context.now(), *limits)]


def _failed(certificate: Certificate, cause: str) -> Condition:
    name = certificate.name
    where = certificate.file or f"{certificate.host}:{certificate.port}"
    return Condition("Certificate not available", "E", name, f"{name} ({where}): {cause}")


async def _of_file(certificate: Certificate) -> Expiry:
    path = certificate.file
    assert path is not None  # noqa: S101  # for the type checker

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)

    return of_pem(await probe(f"read of {path}", read))


async def _of_port(certificate: Certificate) -> Expiry:
    context = _tls(certificate)
    plain = await trio.open_tcp_stream(certificate.host, certificate.port)
    async with plain:
        if certificate.starttls == "smtp":
            await start_tls(plain)
        name = certificate.server_name or certificate.host
        tls = trio.SSLStream(plain, context, server_hostname=name, https_compatible=True)
        try:
            await tls.do_handshake()
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise error.__cause__ from None
            raise EOFError("the connection was closed during the handshake") from None
        der = tls.getpeercert(binary_form=True)
    if not der:
        raise ValueError("the server showed none")
    return of_der(der)


def _tls(certificate: Certificate) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=certificate.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CheckFailed(f"cannot load {certificate.ca_file}: {error}") from error
    if not certificate.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
