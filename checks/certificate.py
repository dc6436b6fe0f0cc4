"""Watches when certificates end, and whether they are trusted: of TLS ports and of PEM files.

Coming from Monit: `certificate valid`; Icinga: `ssl_cert`; Telegraf: `x509_cert`.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import trio
from attrs import Attribute, field, fields, frozen

from checks._common.addresses import host_port
from checks._common.deadlines import rounded, timeout_field, within
from checks._common.limits import limit_field
from checks._common.validators import is_host, is_not_empty, is_port, not_blank, unique
from checks._http.certificates import (
    ERROR_DAYS,
    MIN_DAYS_HELP,
    WARN_DAYS,
    Validity,
    judge,
    limit_of,
    of_pem,
    refuse_both,
    tls_problem,
)
from checks._http.connection_errors import cause
from checks._http.handshake import look_at_all
from checks._http.tls import examine_with_tls
from supervisor.api import (
    Condition,
    Context,
    Duration,
    Limit,
    Observation,
    StillHanging,
    lower_limit,
    probe,
    read_regular_file,
)

MAX_PEM_BYTES = 4 << 20
"""The size of a PEM file that is read."""

Chain: TypeAlias = tuple[Validity, ...]
"""The certificates of a port or of a file, the server's own first."""

ERRORS = (OSError, EOFError, StillHanging, ValueError)
"""What getting a certificate may raise."""


@frozen
class Certificate:
    """One certificate: of a port when it has a `host`, else of a `file`."""

    name: str = field(
        validator=not_blank("write what the certificate is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
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
    strict: bool = field(default=False, metadata={"help": "true: authorities must fit RFC 5280"})
    verify: bool = field(
        default=True, metadata={"help": "false: the certificate need not be trusted"}
    )
    warn_days: float = field(default=WARN_DAYS, metadata={"help": "W with fewer days left"})
    error_days: float = field(default=ERROR_DAYS, metadata={"help": "E with fewer days left"})
    min_days: Limit[float] | None = limit_field(lower_limit, MIN_DAYS_HELP)

    @host.validator
    def _is_host(self, attribute: Attribute[str], value: str) -> None:
        if value:
            is_host(self, attribute, value)

    @error_days.validator
    def _is_not_above_warn_days(self, _: Attribute[float], value: float) -> None:
        if value > self.warn_days:
            raise ValueError(
                f"{value:g} is more than warn_days ({self.warn_days:g}), so W never fires; "
                "exchange them, or write one below the other"
            )

    def __attrs_post_init__(self) -> None:
        refuse_both(self)
        if bool(self.host) == (self.file is not None):
            raise ValueError("needs either host or file; write one of them")
        if self.file is not None and (useless := list(self._given_for_a_port())):
            raise ValueError(
                f"{', '.join(useless)}: of no use beside file; remove it, or name a host"
            )

    def _given_for_a_port(self) -> Iterator[str]:
        for key in ("port", "server_name", "starttls", "ca_file", "strict", "verify"):
            if getattr(self, key) != getattr(fields(Certificate), key).default:
                yield key

    @property
    def place(self) -> str:
        """Where it is found."""
        return str(self.file or host_port(self.host, self.port))


@frozen
class Params:
    """The certificates, and how long it may take to get each of them."""

    certificates: tuple[Certificate, ...] = field(
        validator=[is_not_empty, unique(lambda certificate: certificate.name)],
        metadata={"help": "the certificates"},
    )
    connect_timeout: Duration = timeout_field(10, "for connection and handshake together")


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return which files are missing, unreadable or not certificates. No port is asked."""
    found = []
    remedy = "correct the path, or the file"
    for number, each in enumerate(params.certificates):
        for key, file in (("file", each.file), ("ca_file", each.ca_file)):
            try:
                if file is not None:
                    await _of_file(file)
            except OSError as error:
                found.append(f"certificates[{number}].{key}: {file}: {cause(error)}; {remedy}")
            except StillHanging as error:
                found.append(f"certificates[{number}].{key}: {file}: {error}; {remedy}")
            except ValueError:
                wrong = f"{file} does not hold certificates in PEM"
                found.append(f"certificates[{number}].{key}: {wrong}; {remedy}")
    return found


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each certificate that ends soon, is not trusted, or cannot be got."""
    observed: dict[str, list[Observation]] = {}
    seconds = within(params.connect_timeout)
    latest = trio.current_time() + seconds

    async def examine(certificate: Certificate, get: Callable[[], Awaitable[Chain]]) -> None:
        try:
            with trio.fail_at(latest):
                observed[certificate.name] = _judged(context, certificate, await get())
        except trio.TooSlowError:
            late = f"no answer within {rounded(seconds)} s"
            observed[certificate.name] = [_failed(certificate, late)]
        except ERRORS as error:
            observed[certificate.name] = [_faulty(certificate, error)]

    async def examine_port(certificate: Certificate, tls: ssl.SSLContext) -> None:
        await examine(certificate, partial(look_at_all, certificate, tls))

    def fail(certificate: Certificate, why: str) -> None:
        observed[certificate.name] = [_failed(certificate, why)]

    async with trio.open_nursery() as nursery:
        ports = []
        for each in params.certificates:
            if each.file is None:
                ports.append(each)
            else:
                nursery.start_soon(examine, each, partial(_of_file, each.file))
        nursery.start_soon(examine_with_tls, ports, latest, examine_port, fail)
    return [seen for each in params.certificates for seen in observed[each.name]]


def _judged(context: Context, certificate: Certificate, chain: Chain) -> list[Observation]:
    return [*judge(certificate.name, chain, context.now(), limit_of(certificate))]


def _faulty(certificate: Certificate, error: Exception) -> Condition:
    name = certificate.name
    # The address is a note where the servers of one name differ.
    at = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
    match error:
        case ssl.SSLError():
            said = tls_problem(error)
        case EOFError() | StillHanging():
            return _failed(certificate, at + str(error))
        case OSError():
            return _failed(certificate, at + cause(error))
        case _:
            said = f"this is not a certificate: {error}"
    return Condition("Certificate invalid", "E", name, f"{name}: {at}{said}")


def _failed(certificate: Certificate, why: str) -> Condition:
    name = certificate.name
    message = f"{name} ({certificate.place}): {why}"
    return Condition("Certificate not available", "E", name, message)


async def _of_file(path: Path) -> Chain:
    text = await probe(f"read of {path}", partial(read_regular_file, path, MAX_PEM_BYTES))
    return of_pem(text)
