"""How the values of `[fallback]` are written: mail servers and addresses."""

from __future__ import annotations

import re
from typing import Any

from supervisor.config import notation
from supervisor.config.fallback.fallback import STARTTLS_PORT, TLS_PORT
from supervisor.config.problems import InvalidValue
from supervisor.config.strict import exactly
from supervisor.text import shortened

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""What stands before the `@` of an address: a dot-atom of RFC 5322."""

_EXAMPLE_SERVER = "mail.example.invalid:465"


def server(value: Any, expected: Any) -> str:
    """Return the HOST:PORT of a mail server to which nothing is sent without TLS over a network."""
    text = str(exactly(str)(value, expected))
    host, port = notation.split_listen(text, _EXAMPLE_SERVER)
    if port not in (TLS_PORT, STARTTLS_PORT) and not notation.is_loopback(host):
        raise InvalidValue(
            f"'{shortened(text)}' is not on loopback, and mail would go there without TLS; "
            f'write "{shortened(host)}:{TLS_PORT}" for TLS or '
            f'"{shortened(host)}:{STARTTLS_PORT}" for STARTTLS'
        )
    return text


def address(value: Any, expected: Any) -> str:
    """Return a mail address without a name: `oncall@example.invalid`."""
    text = str(exactly(str)(value, expected))
    local, at, domain = text.rpartition("@")
    if not (at and _LOCAL_PART.fullmatch(local) and notation.is_host(domain)):
        raise InvalidValue(
            f"'{shortened(text)}' is not a mail address; write for example "
            '"oncall@example.invalid"'
        )
    return text
