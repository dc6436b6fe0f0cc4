"""When certificates end, and what is wrong with them. Used by `certificate` and `http`."""

from __future__ import annotations

import _ssl
import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from checks._common.printable import shown
from supervisor.api import Condition, Limit, Measurement, Observation

if TYPE_CHECKING:
    from cryptography import x509

DAY = 86400.0
"""Seconds."""

WARN_DAYS = 30.0
"""Days with which a certificate is a warning, unless the service file says otherwise."""

ERROR_DAYS = 7.0
"""Days with which it is an error."""


MIN_DAYS_HELP = "in place of both: W with fewer days, or { W = 30, E = 7, clear = 35 }"
"""What `checks` says of the parameter `min_days`."""


@frozen
class Validity:
    """When a certificate is valid, and whose it is."""

    begins: datetime
    """Aware."""

    ends: datetime
    """Aware."""

    subject: str

    is_first: bool = True
    """Whether it is the server's own. The others of a chain sign it."""

    place: str = ""
    """The address of the server that shows it, where servers of one name show different ones."""

    def days_left(self, now: datetime) -> float:
        """Return the days that are left, below 0 once it has ended."""
        return (self.ends - now).total_seconds() / DAY


def chain_of(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the certificates of the other side after a handshake, in DER, its own first.

    These are the ones by which it is trusted, up to the authority's. Where it need not be trusted
    these are all that it shows.
    """
    trusted = connection.context.verify_mode != ssl.CERT_NONE
    # Python has it in public from 3.13 on.
    raw: Any = connection._sslobj  # type: ignore[attr-defined]  # see the line above
    chain = raw.get_verified_chain() if trusted else raw.get_unverified_chain()
    return tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in chain or ())


def of_chain(chain: Iterable[bytes]) -> tuple[Validity, ...]:
    """Return when each of these certificates in DER is valid; raises `ValueError`."""
    from cryptography import x509  # 40 ms and 6 MB, only where a certificate is looked at

    return tuple(_validities(map(x509.load_der_x509_certificate, chain)))


def of_pem(text: bytes) -> tuple[Validity, ...]:
    """Return when each certificate of a PEM file is valid; raises `ValueError`."""
    from cryptography import x509

    return tuple(_validities(x509.load_pem_x509_certificates(text)))


def _validities(certificates: Iterable[x509.Certificate]) -> Iterator[Validity]:
    for number, certificate in enumerate(certificates):
        yield Validity(
            begins=certificate.not_valid_before_utc.astimezone(UTC),
            ends=certificate.not_valid_after_utc.astimezone(UTC),
            subject=shown(certificate.subject.rfc4514_string(), 200),
            is_first=number == 0,
        )


class Watched(Protocol):
    """What gives the days that a certificate must have left."""

    @property
    def min_days(self) -> Limit[float] | None:
        """All limits in one."""

    @property
    def warn_days(self) -> float:
        """W with fewer days, without `min_days`."""

    @property
    def error_days(self) -> float:
        """E with fewer days, without `min_days`."""


def refuse_both(watched: Watched) -> None:
    """Raise `ValueError` if the days are given in both ways."""
    if watched.min_days is not None and (watched.warn_days, watched.error_days) != (
        WARN_DAYS,
        ERROR_DAYS,
    ):
        raise ValueError(
            "min_days is of no use beside warn_days and error_days; "
            "write min_days = { W = …, E = … } alone"
        )


def limit_of(watched: Watched) -> Limit[float]:
    """Return the days below which a certificate has too few left."""
    if watched.min_days is not None:
        return watched.min_days
    error = ("E", watched.error_days)
    if watched.warn_days <= watched.error_days:
        return Limit((error,))
    return Limit((("W", watched.warn_days), error))


def judge(
    instance: str, chain: Sequence[Validity], now: datetime, limit: Limit[float]
) -> Iterator[Observation]:
    """Yield the days that the weakest certificate has left, and what is wrong with the chain.

    There is a condition when the days are fewer than a limit, and one when a certificate is not
    valid yet.
    """
    latest = max(chain, key=lambda each: each.begins)
    if latest.begins > now:
        when = f"is not valid before {_local(latest.begins, now)}"
        yield Condition("Certificate invalid", "E", instance, _message(instance, latest, when))
    weakest = min(chain, key=lambda each: each.ends)
    left = weakest.days_left(now)
    labels = {"target": instance}
    yield Measurement("certificate_days_left", round(left, 2), "d", labels, limits=limit.numbers)
    crossing = limit.below(left, "W")
    if crossing is None:
        return
    days = f"{left:.0f} days" if left >= 2 else f"{left * 24:.0f} hours"
    when = "has ended" if left <= 0 else f"ends in {days}"
    when += f", on {_local(weakest.ends, now)}"
    yield crossing.condition("Certificate expires", instance, _message(instance, weakest, when))


def _message(instance: str, certificate: Validity, when: str) -> str:
    which = "the certificate" if certificate.is_first else "a certificate in the chain"
    at = f" at {certificate.place}" if certificate.place else ""
    subject = f" ({certificate.subject})" if certificate.subject else ""
    return f"{which} of {instance}{at} {when}{subject}"


def _local(moment: datetime, now: datetime) -> str:
    return f"{moment.astimezone(now.tzinfo):%Y-%m-%d %H:%M %Z}"


def tls_problem(error: ssl.SSLError) -> str:
    """Return in words why a TLS handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {shown(error.verify_message)}"
    return f"TLS failed: {shown((error.reason or str(error)).replace('_', ' ').lower())}"
