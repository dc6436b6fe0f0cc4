"""When certificates end, and what is wrong with them. Used by `certificate` and `http`."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from checks._common.printable import shown
from supervisor.api import Condition, Measurement, Observation

if TYPE_CHECKING:
    from cryptography import x509

DAY = 86400.0
"""Seconds."""


@frozen
class Expiry:
    """When a certificate ends, and whose it is."""

    ends: datetime
    """Aware."""

    subject: str

    def days_left(self, now: datetime) -> float:
        """Return the days that are left, below 0 once it has ended."""
        return (self.ends - now).total_seconds() / DAY


def of_der(der: bytes) -> Expiry:
    """Return the expiry of a certificate in DER; raises `ValueError`."""
    from cryptography import x509  # 40 ms and 6 MB, only where a certificate is looked at

    return _expiry(x509.load_der_x509_certificate(der))


def of_pem(text: bytes) -> Expiry:
    """Return the expiry of the first certificate of a PEM file to end; raises `ValueError`."""
    from cryptography import x509

    found = [_expiry(certificate) for certificate in x509.load_pem_x509_certificates(text)]
    return min(found, key=lambda expiry: expiry.ends)


def _expiry(certificate: x509.Certificate) -> Expiry:
    subject = shown(certificate.subject.rfc4514_string(), 200)
    return Expiry(certificate.not_valid_after_utc.astimezone(UTC), subject)


def judge(
    instance: str, expiry: Expiry, now: datetime, warn_days: float, error_days: float
) -> Iterator[Observation]:
    """Yield the days that are left, and a condition when they are fewer than a limit."""
    left = expiry.days_left(now)
    labels = {"target": instance}
    yield Measurement("certificate_days_left", round(left, 2), "d", labels)
    if left >= max(warn_days, error_days):
        return
    event_type = "E" if left < error_days else "W"
    days = f"{left:.0f} days" if left >= 2 else f"{left * 24:.0f} hours"
    when = "has ended" if left <= 0 else f"ends in {days}"
    local = expiry.ends.astimezone(now.tzinfo)
    message = f"the certificate of {instance} {when}, on {local:%Y-%m-%d %H:%M %Z}"
    message += f" ({expiry.subject})" if expiry.subject else ""
    yield Condition("Certificate expires", event_type, instance, message)


def tls_problem(error: ssl.SSLError) -> str:
    """Return in words why a TLS handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {shown(error.verify_message)}"
    return f"TLS failed: {shown((error.reason or str(error)).replace('_', ' ').lower())}"
