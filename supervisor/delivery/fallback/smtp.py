"""Sends a mail with smtplib. Blocks: called in a thread. Imported when a mail is due."""

from __future__ import annotations

import smtplib
import socket
import threading
from contextlib import closing, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from attrs import define, field

from supervisor.config.fallback.fallback import FallbackMail
from supervisor.delivery.connection_errors import about_certificates, causes, in_words, line
from supervisor.delivery.fallback.message import Message
from supervisor.delivery.fallback.result import Fate, Result
from supervisor.errors import SupervisorError
from supervisor.host.tls import tls_context

ANSWER_TIMEOUT = 20.0
"""Seconds for each answer of the server. The caller sets the deadline of the whole."""

MAX_ANSWER = 200
"""Characters of an answer that a message shows."""


class MailRefused(SupervisorError):
    """The server refuses something for good: a retry would not help."""


@define(eq=False)
class Sending:
    """One mail on its way. The task that waits for it may give it up."""

    mail: FallbackMail
    """Where to."""

    content: bytes
    """The whole mail."""

    result: Result | None = None
    """What is known of its fate. None: nothing."""

    _lock: threading.Lock = field(factory=threading.Lock)
    """Guards the next two."""

    _is_given_up: bool = False
    """Whether it must not be sent any more."""

    _is_begun: bool = False
    """Whether the server may have the mail."""

    def send(self) -> Result:
        """Send the mail."""
        try:
            with closing(connected(self.mail)) as server:
                refused = self._to_recipients(server)
                self._begin()
                _require(server.data(self.content))
                self.result = Result(Fate.SENT, refused)
                _quit(server)
        except Exception as error:  # whatever is wrong, the caller tries again
            if self.result is None:
                self.result = self._failure(error)
        return self.result

    def give_up(self) -> Result:
        """Do not send it any more. Return what is known of its fate."""
        with self._lock:
            self._is_given_up = True
            fate = Fate.UNKNOWN if self._is_begun else Fate.LATER
        return self.result or Result(fate, "the mail server is too slow")

    def _to_recipients(self, server: smtplib.SMTP) -> str:
        """Name sender and recipients. Return who is refused, if the others are not."""
        _require(server.mail(self.mail.from_))
        refused = {}
        for address in self.mail.to:
            code, text = server.rcpt(address)
            if code not in (250, 251):
                refused[address] = smtplib.SMTPResponseException(code, text)
        said = ", ".join(f"{address}: {_words(error)}" for address, error in refused.items())
        if len(refused) < len(self.mail.to):
            return said and f"does not reach {said}"
        if all(_is_final(error) for error in refused.values()):
            raise MailRefused(said)
        raise SupervisorError(said)

    def _begin(self) -> None:
        with self._lock:
            if self._is_given_up:
                raise SupervisorError("it was given up")
            self._is_begun = True

    def _failure(self, error: Exception) -> Result:
        fate = Fate.LATER
        if is_refusal(error):
            fate = Fate.REFUSED
        elif self._is_begun and not isinstance(error, smtplib.SMTPResponseException):
            fate = Fate.UNKNOWN  # the answer to the whole mail did not come
        return Result(fate, in_plain_words(error))


def connected(mail: FallbackMail) -> smtplib.SMTP:
    """Return a connection to the server, with TLS and logged in as the settings say."""
    own_name = socket.gethostname()
    context = None if mail.security == "plain" else tls_context(mail.ca_file)
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, own_name, timeout=ANSWER_TIMEOUT, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, own_name, timeout=ANSWER_TIMEOUT)
    try:
        if mail.security == "starttls":
            _require(server.starttls(context=context))
        server.ehlo_or_helo_if_needed()
        if mail.password is not None:
            server.login(mail.username, mail.password.read())
    except BaseException:
        server.close()
        raise
    return server


def log_in(mail: FallbackMail) -> None:
    """Connect and log in, and send nothing. Raises what `in_plain_words` puts into words."""
    with closing(connected(mail)) as server:
        _require(server.noop())
        _quit(server)


def content_of(mail: FallbackMail, message: Message, identity: str) -> bytes:
    """Return a whole mail, in ASCII. `identity` is what stands before the `@` of its ID."""
    content = EmailMessage(policy=SMTP)
    content["From"] = mail.from_
    content["To"] = ", ".join(mail.to)
    content["Subject"] = message.subject
    content["Date"] = format_datetime(localtime())
    content["Message-ID"] = f"<{identity}@{mail.from_.rpartition('@')[2]}>"
    content["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer is wanted
    content.set_content(message.text, cte="quoted-printable")
    content.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return content.as_bytes()


def is_refusal(error: Exception) -> bool:
    """Return whether trying again would not help."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _is_final(error)
    if type(error) is smtplib.SMTPException:  # no way to log in that both know
        return True
    return isinstance(error, MailRefused | smtplib.SMTPNotSupportedError | UnicodeError)


def in_plain_words(error: Exception) -> str:
    """Return in one line why a mail could not be sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error)
    if isinstance(error, SupervisorError | smtplib.SMTPException):
        return line(str(error))[:MAX_ANSWER] or type(error).__name__
    if isinstance(error, UnicodeError):
        return "username and password must be in ASCII"
    if found := about_certificates(causes(error)):
        return f"certificate: {found}"
    return in_words(causes(error))[:MAX_ANSWER]


def _is_final(error: smtplib.SMTPResponseException) -> bool:
    return 500 <= error.smtp_code < 600


def _require(answer: tuple[int, bytes]) -> None:
    """Raise `SMTPResponseException` for an answer that is not a success."""
    code, text = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, text)


def _words(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return line(f"{error.smtp_code} {text}")[:MAX_ANSWER]


def _quit(server: smtplib.SMTP) -> None:
    """Take leave of the server. Its answer does not matter, so it is not waited for."""
    with suppress(OSError, smtplib.SMTPException):
        server.putcmd("quit")
