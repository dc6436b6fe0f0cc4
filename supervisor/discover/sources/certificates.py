"""Certificates of the TLS ports of this host, and their files in /etc/ssl: `certificate`.

Each port is asked for a TLS handshake, which needs no key. Files that others may not read, and all
of /etc/ssl/private, are never opened.
"""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from supervisor.discover.draft import Draft, Finding, Item, quoted
from supervisor.discover.sources.listeners import Listener

HANDSHAKE_SECONDS = 3.0
"""How long a port may take to show its certificate."""

SMTP_PORTS = (25, 587)
"""Where TLS begins after STARTTLS."""

SPEAK_FIRST = {21, 22, 23, 110, 111, 143, 3306, 5432, 6379, 11211, 33060}
"""Ports of protocols that a handshake would only disturb."""

PROGRAMS_THAT_SPEAK_FIRST = {"sshd", "mysqld", "mariadbd", "postgres", "redis-server", "memcached"}
"""Their programs, which may listen elsewhere, too."""

DIRECTORY = Path("/etc/ssl")
"""Where the files of certificates are looked for."""

MAX_PEM_BYTES = 1 << 20
"""The size of a file that is read."""


@frozen
class Shown:
    """The certificate that a port shows."""

    listener: Listener
    der: bytes
    ends: str
    """The last day on which it is valid."""
    server_name: str
    """The name under which it is trusted. Empty: it is not."""


def certificates(listeners: Iterable[Listener]) -> Finding:
    """Return a module that watches the certificates of all ports that show one."""
    with ThreadPoolExecutor(16) as pool:
        found = [shown for shown in pool.map(_shown, filter(_may_use_tls, listeners)) if shown]
    files = _files({shown.der for shown in found}) if found else {}
    items = [*map(_port, found)]
    for der, path in files.items():
        ends = next(shown.ends for shown in found if shown.der == der)
        text = f"{{ name = {quoted(str(path))}, file = {quoted(str(path))} }}"
        items.append(Item(text, instance=str(path), note=f"until {ends}"))
    about = "Certificates: when they end, and whether they are trusted."
    draft = Draft("certificate", about, tuple(items), key="certificates", every="1h")
    if not items:
        return Finding(left_out=("certificates: none of the ports answers in TLS",))
    return Finding((draft,))


def _may_use_tls(listener: Listener) -> bool:
    program = listener.program.name if listener.program else ""
    return listener.port not in SPEAK_FIRST and program not in PROGRAMS_THAT_SPEAK_FIRST


def _shown(listener: Listener) -> Shown | None:
    """Return the certificate of a port, or None if it has none."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE  # it is only looked at
    try:
        der = _handshake(listener, anyone, "")
    except (OSError, ValueError, smtplib.SMTPException):
        return None
    names, ends = _read(der)
    trusted = ssl.create_default_context()
    # From Python 3.13 on it is there by default; the check sets it only with `strict`.
    trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
    for name in names[:3]:
        with suppress(OSError, ValueError, smtplib.SMTPException):
            _handshake(listener, trusted, name)
            return Shown(listener, der, ends, server_name=name)
    return Shown(listener, der, ends, server_name="")


def _handshake(listener: Listener, context: ssl.SSLContext, name: str) -> bytes:
    """Return the certificate in DER. Raises `OSError` or `SMTPException`."""
    if listener.port in SMTP_PORTS:
        with smtplib.SMTP(listener.host, listener.port, timeout=HANDSHAKE_SECONDS) as mail:
            mail._host = name or listener.host  # type: ignore[attr-defined]  # the name to verify
            mail.starttls(context=context)
            return _der(mail.sock)
    address = (listener.host, listener.port)
    with (
        socket.create_connection(address, HANDSHAKE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name or None) as connection,
    ):
        return _der(connection)


def _der(connection: object) -> bytes:
    assert isinstance(connection, ssl.SSLSocket)  # noqa: S101 - for the type checker
    der = connection.getpeercert(binary_form=True)
    if not der:
        raise ValueError("the port shows no certificate")
    return der


def _read(der: bytes) -> tuple[tuple[str, ...], str]:
    """Return the names in a certificate, without wildcards, and its last day."""
    from cryptography import x509  # 40 ms

    certificate = x509.load_der_x509_certificate(der)
    names: list[str] = []
    with suppress(
        x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError
    ):
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += found.get_values_for_type(x509.DNSName)
        names += map(str, found.get_values_for_type(x509.IPAddress))
    ends = certificate.not_valid_after_utc.date().isoformat()
    return tuple(name for name in names if "*" not in name and name.isprintable()), ends


def _port(shown: Shown) -> Item:
    listener = shown.listener
    text = f"name = {quoted(listener.name)}, host = {quoted(listener.host)}, port = {listener.port}"
    if listener.port in SMTP_PORTS:
        text += ', starttls = "smtp"'
    note = f"until {shown.ends}"
    if not shown.server_name:
        text += ", verify = false"
        note += "; this host does not trust it"
    elif shown.server_name != listener.host:
        text += f", server_name = {quoted(shown.server_name)}"
    return Item(f"{{ {text} }}", instance=listener.name, note=note)


def _files(wanted: set[bytes]) -> Mapping[bytes, Path]:
    """Return the files in /etc/ssl that begin with one of these certificates."""
    found: dict[bytes, Path] = {}
    for path in _readable():
        for der in _first(path):
            if der in wanted:
                found.setdefault(der, path)
    return found


def _readable() -> Iterator[Path]:
    """Yield the files that everybody may read. Links are left out: they lead to such files."""
    for directory, inner, names in os.walk(DIRECTORY):
        inner[:] = sorted(set(inner) - {"private"})
        for name in sorted(names):
            path = Path(directory, name)
            with suppress(OSError):
                status = path.lstat()
                public = stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH
                if public and status.st_size <= MAX_PEM_BYTES:
                    yield path


def _first(path: Path) -> Iterator[bytes]:
    """Yield the first certificate of a PEM file, if it has one."""
    with suppress(OSError, ValueError):
        text = path.read_text("ascii")
        start, end = text.index(ssl.PEM_HEADER), text.index(ssl.PEM_FOOTER)
        yield ssl.PEM_cert_to_DER_cert(text[start : end + len(ssl.PEM_FOOTER)])
