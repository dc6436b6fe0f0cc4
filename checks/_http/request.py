"""Sends one request: the login, the redirects, and as much of the body as is needed."""

from __future__ import annotations

import base64
import math
import re
import ssl
from collections.abc import Mapping

import httpx
import trio

from checks._common.deadlines import within
from checks._http.answer import HttpAnswer
from checks._http.certificates import chain_of
from checks._http.target import Target, is_header_value
from supervisor.api import (
    CheckFailed,
    Secret,
    SecretUnreadable,
    StillHanging,
    probe,
    server_name,
    url_to_dial,
    without_zone,
)

MAX_BODY_BYTES = 1 << 20
"""The size of a body that is read and judged. The rest is left."""

MAX_REDIRECTS = 5
"""How many redirects of one request are followed."""

_HOST = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::[0-9]*)?", re.IGNORECASE
)
"""A `Host` header, RFC 9110, 7.2."""

CONNECT_SHARE = 0.9
"""The part of the time that the connection may take.

httpcore closes a connection that it gives up itself, but not one that is cancelled in a handshake.
"""

BODY_TIMEOUT = 1.0
"""Seconds to wait for the end of a body that is not judged. A stream of events has no end."""

ANSWER_ERRORS = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""What `ask` raises when the server does not answer as it should."""

SETUP_ERRORS = (CheckFailed, SecretUnreadable, StillHanging)
"""What `ask` raises when the request cannot be sent."""


async def ask(target: Target, tls: ssl.SSLContext | bool) -> HttpAnswer:
    """Return the answer. The caller sets the deadline.

    Raises `SETUP_ERRORS` and `ANSWER_ERRORS`.
    """
    # Without compression: a megabyte of gzip may hold a gigabyte.
    headers = httpx.Headers(
        {"User-Agent": "alertmanager-supervisor", "Accept-Encoding": "identity"}
    )
    headers.update({**await _headers(target), **await _login(target)})
    started = trio.current_time()
    connect = CONNECT_SHARE * (trio.current_effective_deadline() - started)
    async with httpx.AsyncClient(
        trust_env=False, verify=tls, timeout=httpx.Timeout(None, connect=connect)
    ) as client:
        content = target.body.encode() or None
        url = url_to_dial(target.url)
        request = client.build_request(target.method, url, content=content, headers=headers)
        response = await _last_response(client, request, target)
        seconds = trio.current_time() - started
        connection = response.extensions["network_stream"].get_extra_info("ssl_object")
        certificates = chain_of(connection) if connection else ()
        body = b""
        with trio.move_on_after(math.inf if target.needs_end else within(BODY_TIMEOUT)):
            body = await _read_body(response, MAX_BODY_BYTES if target.needs_body else 0)
            seconds = trio.current_time() - started
    return HttpAnswer(
        status=response.status_code,
        body=body,
        seconds=seconds,
        certificates=certificates,
        charset=response.charset_encoding or "",
        encoding=response.headers.get("Content-Encoding", ""),
    )


async def _last_response(
    client: httpx.AsyncClient, request: httpx.Request, target: Target
) -> httpx.Response:
    if not target.follow_redirects:
        client.event_hooks = {"response": [_forget_location]}
    # httpx itself would read the whole body of each redirect into memory, however large it is.
    for _ in range(1 + MAX_REDIRECTS):
        _name_server(request)
        response = await client.send(request, stream=True)
        if response.next_request is None:
            return response
        await response.aclose()
        if _origin(response.next_request) != _origin(request):
            for name in target.secret_headers:
                response.next_request.headers.pop(name, None)
        request = response.next_request
    raise httpx.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects", request=request)


def _name_server(request: httpx.Request) -> None:
    """Let TLS ask for the host that the request names, whatever its URL names for the resolver."""
    host = request.headers["Host"] = without_zone(request.headers["Host"])
    match = _HOST.fullmatch(host)  # a server may be asked for nonsense
    named = match["address"] or match["name"] if match else request.url.raw_host.decode()
    request.extensions["sni_hostname"] = server_name(named)


async def _forget_location(response: httpx.Response) -> None:
    # httpx would build the next request, and fail for a location such as "mailto:".
    response.headers.pop("Location", None)


def _origin(request: httpx.Request) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port


async def _read_body(response: httpx.Response, kept: int) -> bytes:
    body, read = bytearray(), 0
    with trio.CancelScope() as scope:
        async for chunk in response.aiter_raw():
            read += len(chunk)
            body += chunk[: kept - len(body)]
            if read >= MAX_BODY_BYTES:
                scope.cancel()  # after `break`, only the garbage collector would close it
            # Let others run between many tiny chunks. Only the loop above may be cancelled.
            await trio.lowlevel.cancel_shielded_checkpoint()
    return bytes(body)


async def _headers(target: Target) -> Mapping[str, str]:
    return {
        name: await _sendable(f"header {name}", value) if isinstance(value, Secret) else value
        for name, value in target.headers.items()
    }


async def _login(target: Target) -> Mapping[str, str]:
    if target.bearer_token is not None:
        return {"Authorization": f"Bearer {await _sendable('bearer_token', target.bearer_token)}"}
    if target.password is None:
        return {}
    basic = base64.b64encode(f"{target.username}:{await _read(target.password)}".encode()).decode()
    return {"Authorization": f"Basic {basic}"}


async def _sendable(what: str, secret: Secret) -> str:
    value = await _read(secret)
    if not value or not is_header_value(value):  # the error of h11 would show the secret
        raise CheckFailed(f"its {what} is empty, or not plain ASCII in one line")
    return value


async def _read(secret: Secret) -> str:
    return await probe(f"read of the {secret.kind} {secret.name}", secret.read)
