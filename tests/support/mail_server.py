"""A real mail server on the well-known ports, with TLS and a login: it keeps what it is given."""

from __future__ import annotations

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field, frozen

USER, PASSWORD = "monitor", "correct horse"


@frozen
class Delivered:
    """One mail that the server has taken."""

    at: float
    """When, by the monotonic clock."""

    mail: EmailMessage
    """The mail itself."""

    raw: bytes
    """The same as it came."""

    user: str
    """Who had logged in. Empty: it came without a login."""

    is_secret: bool
    """Whether it came by TLS."""

    @property
    def identity(self) -> str:
        return str(self.mail["Message-ID"])

    def text(self, kind: str = "plain") -> str:
        """Return the plain or HTML part."""
        part = self.mail.get_body((kind,))
        assert part is not None
        text: str = part.get_content()
        return text.replace("\r\n", "\n")


@define(eq=False)
class MailServer:
    """Speaks as a server on this port does: 465, 587, or any other one without TLS."""

    host: str
    port: int
    directory: Path
    """Where its certificates are."""

    data: Callable[[bytes], str] = lambda _content: "250 OK"
    """Returns the answer to a whole mail."""

    rcpt: Callable[[str], str] = lambda _address: "250 OK"
    """Returns the answer to a recipient."""

    with_tls: bool = True
    """False: on 587 it does not offer STARTTLS."""

    mails: list[Delivered] = field(factory=list)
    logins: list[tuple[str, str]] = field(factory=list)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        context = self._certified()
        is_tls, is_starttls = self.port == 465, self.port == 587 and self.with_tls
        controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            ssl_context=context if is_tls else None,
            tls_context=context if is_starttls else None,
            require_starttls=is_starttls,
            authenticator=self._authenticate,
            auth_required=is_starttls,
            auth_require_tls=is_starttls,
        )
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    def _certified(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(self.host).configure_cert(context)
        return context

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        is_right = self.logins[-1] == (USER, PASSWORD)
        return AuthResult(success=is_right, handled=False, auth_data=given)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.port in (465, 587) and not session.authenticated:
            return "530 log in first"
        answer = self.rcpt(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        answer = self.data(envelope.content)
        if answer.startswith("2"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            data = session.auth_data
            user = data.login.decode() if isinstance(data, LoginPassword) else ""
            is_secret = session.ssl is not None or self.port == 465
            self.mails.append(Delivered(time.monotonic(), mail, envelope.content, user, is_secret))
        return answer


def own_address(port: int) -> str:
    """Return an address of loopback on which this well-known port is free."""
    while True:
        host = ".".join(["127", *(str(random.randint(2, 250)) for _ in range(3))])
        with socket.socket() as sock:
            try:
                sock.bind((host, port))
            except PermissionError:
                pytest.skip("only root may listen on the ports of mail servers")
            except OSError:
                continue
        return host
