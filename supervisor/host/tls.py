"""Whom we trust with TLS, and what a server is called there. Checks and delivery use it."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from supervisor.files import regular_file

MAX_PEM_BYTES = 16 << 20
"""The size of a file of certificates that is read."""

_ZONE = re.compile(r"%[^\]/?#]*")
"""The zone of an IPv6 address, which says by which interface of this host it is reached."""

_ZONE_IN_URL = re.compile(r"(//[^/?#\[]*\[[0-9A-Fa-f:.]+%)25(?=[^\]/?#])")
"""What stands before the zone in a URL, RFC 6874, and the escape that the zone has only there."""


def tls_context(
    ca_file: Path | None = None, *, verify: bool = True, strict: bool = False
) -> ssl.SSLContext:
    """Return a client's TLS context, the same one on each version of Python.

    It trusts the certificates in `ca_file`, or else the system's authorities. As with curl, an
    intermediate authority in `ca_file` is trusted by itself. `strict` also refuses authorities
    that do not keep to each rule of RFC 5280: OpenSSL and curl do not, Python from 3.13 on would.

    It takes 40 ms and reads files, so call it in a thread. Raises `OSError`; `ssl.SSLError` is one.
    """
    if ca_file is not None:
        require_pem_file(ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def require_pem_file(path: Path) -> None:
    """Raise `OSError` for a file that OpenSSL, which opens it itself, would wait for."""
    with regular_file(path, MAX_PEM_BYTES):
        pass


def server_name(host: str) -> str:
    """Return what a server is called in TLS: without a final dot and without an IPv6 zone.

    Both are for the resolver and for this host alone. No certificate has them.
    """
    return without_zone(host).removesuffix(".") or host


def without_zone(host: str) -> str:
    """Return an address or `[address]:port` without the zone, as a `Host` header names it."""
    return _ZONE.sub("", host) if ":" in host else host


def url_to_dial(url: str) -> str:
    """Return the URL for the resolver, which wants `[fe80::1%eth0]` where a URL has `%25eth0`."""
    return _ZONE_IN_URL.sub(r"\1", url)
