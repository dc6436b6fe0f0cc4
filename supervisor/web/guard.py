"""Decides who may see what, by method, Host and token. Adds headers that protect a browser.

Any web page can make a browser ask for any name, and point that name here (DNS rebinding).
So a request must name this host by an address, by its own name or by a configured name.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import socket
from collections.abc import Iterable, Mapping, MutableMapping
from logging import getLogger
from typing import Any
from urllib.parse import urlsplit

import trio
from attrs import define, field

from supervisor.config.current import CurrentConfig
from supervisor.config.notation import is_loopback, split_listen
from supervisor.config.secret import Secret
from supervisor.config.service import StatusListener
from supervisor.errors import SecretUnreadable
from supervisor.web.server import App, Receive, Scope, Send

OPEN_PATHS = frozenset({"/-/healthy", "/-/ready"})
"""Probes may ask these paths without a token."""

_STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The content security policy of an answer that does not have its own."""

_HEADERS = {
    b"content-security-policy": _STRICT_POLICY.encode(),
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
"""Each answer gets those of these headers that it does not set itself."""

_log = getLogger("supervisor.web")


@define
class Guard:
    """Passes requests that are allowed on to `app`."""

    app: App
    config: CurrentConfig
    _secrets: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(4))
    _fault: str = ""
    """Why the token could not be read the last time."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        send = _with_headers(send)
        headers = dict(reversed(scope["headers"]))  # the first of several counts
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, "only GET and HEAD are allowed", {"allow": "GET, HEAD"})
        elif _has_body(headers):
            await _refuse(send, 413, "a request must not have a body", {"connection": "close"})
        elif not is_own(headers.get(b"host", b""), self.config.service.status):
            await _refuse(send, 403, "this Host is not served here; add its name to status.hosts")
        elif scope["path"] not in OPEN_PATHS and not await self._is_known(headers):
            await _refuse(
                send,
                401,
                "the token is needed: as Bearer token, or as password of any user",
                {"www-authenticate": 'Basic realm="supervisor", charset="UTF-8"'},
            )
        else:
            await self.app(scope, receive, send)

    async def _is_known(self, headers: Mapping[bytes, bytes]) -> bool:
        token = self.config.service.status.token
        if token is None:
            return True
        given = presented(headers.get(b"authorization", b""))
        if given is None:
            return False
        expected = await trio.to_thread.run_sync(
            self._read, token, limiter=self._secrets, abandon_on_cancel=True
        )
        return bool(expected) and hmac.compare_digest(given, expected)

    def _read(self, token: Secret) -> bytes:
        try:
            read, fault = token.read().encode(), ""
        except SecretUnreadable as error:
            read, fault = b"", str(error)
        if fault and fault != self._fault:  # once, not for each request
            _log.warning("status.token: %s; every request is refused", fault)
        self._fault = fault
        return read


def is_own(host: bytes, status: StatusListener) -> bool:
    """Return whether a request's Host names this listener."""
    name = _name(host.decode("latin-1"))
    listen = split_listen(status.listen)[0].lower() if status.listen else ""
    own = {
        "localhost",
        listen,
        *(_name(each) for each in status.hosts),
        _name(urlsplit(status.external_url).netloc),
    }
    if name in own or is_loopback(name):
        return bool(name)
    return not is_loopback(listen) and (_is_address(name) or name == _machine())


def _name(host: str) -> str:
    """Return a host without port, brackets and final dot; empty if it is not a host."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def presented(authorization: bytes) -> bytes | None:
    """Return the token of an Authorization header: a Bearer token, or the password of Basic."""
    scheme, _, value = authorization.strip().partition(b" ")
    value = value.strip()
    match scheme.lower():
        case b"bearer":
            return value
        case b"basic":
            try:
                pair = base64.b64decode(value, validate=True)
            except binascii.Error:
                return None
            return pair.partition(b":")[2]
    return None


def _is_address(name: str) -> bool:
    """Return whether it is an address. DNS cannot point an address here, unlike a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _machine() -> str:
    return socket.gethostname().lower()


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _with_headers(send: Send) -> Send:
    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            own = {name.lower() for name, _ in given}
            message["headers"] = [
                *given,
                *((name, value) for name, value in _HEADERS.items() if name not in own),
            ]
        await send(message)

    return guarded


async def _refuse(
    send: Send, status: int, text: str, headers: Mapping[str, str] | None = None
) -> None:
    body = f"{text}\n".encode()
    found = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in (headers or {}).items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": found})
    await send({"type": "http.response.body", "body": body})
