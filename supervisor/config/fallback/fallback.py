"""What the `[fallback]` table says, as frozen values. `service` holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import field, frozen

from supervisor.config.secret import Secret
from supervisor.observations import Duration

TLS_PORT = 465
"""The port of mail servers that speak TLS from the first byte, RFC 8314."""

STARTTLS_PORT = 587
"""The port of mail servers that begin without TLS and change to it, RFC 3207."""

SPREAD_PART = 6
"""The first messages of a fleet are spread over `every` divided by this."""


@frozen
class FallbackMail:
    """The `[fallback.mail]` table: a mail server, and who gets the mail."""

    server: str = field(metadata={"example": '"mail.example.invalid:465"'})
    """HOST:PORT. TLS on port 465, STARTTLS on 587; any other port must be on loopback."""
    from_: str = field(metadata={"example": '"monitor@example.invalid"'})
    """The address of the sender."""
    to: tuple[str, ...] = field(metadata={"example": '["oncall@example.invalid"]'})
    """The addresses of those who get it."""
    username: str = ""
    """To log in, with `password`."""
    password: Secret | None = None
    """Of `username`."""
    ca_file: Path | None = None
    """Who is trusted, in PEM. Default: the system's authorities."""

    @property
    def host(self) -> str:
        """The host of the server, without brackets."""
        return self.server.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self.server.rpartition(":")[2])

    @property
    def security(self) -> Literal["tls", "starttls", "plain"]:
        """How the connection is protected."""
        if self.port == TLS_PORT:
            return "tls"
        return "starttls" if self.port == STARTTLS_PORT else "plain"


@frozen
class FallbackCommand:
    """The `[fallback.command]` table: a program that gets the text on its standard input."""

    argv: tuple[str, ...] = field(metadata={"example": '["/usr/local/bin/sms"]'})
    """The program and its arguments, without a shell."""


@frozen
class Fallback:
    """The `[fallback]` table: who is told when no Alertmanager takes what is owed."""

    after: Duration = Duration(600)
    """For how long no peer has taken anything while something is owed."""
    every: Duration = Duration(3600)
    """At most one digest in this time."""
    event_types: tuple[str, ...] = ("E", "TE")
    """Event types of the alerts that are worth it."""
    mail: FallbackMail | None = None
    """A mail server, and who gets the mail."""
    command: FallbackCommand | None = None
    """A program that gets the text."""

    @property
    def longest_spread(self) -> float:
        """Seconds within which the first messages of a fleet are spread."""
        return self.every / SPREAD_PART
