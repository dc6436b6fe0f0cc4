"""One Alertmanager over HTTP: post a batch and classify the answer.

No other file of the supervisor uses httpx. `classify` says what each answer means.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import trio
from attrs import define, field

from supervisor import __version__
from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager
from supervisor.delivery import connection_errors
from supervisor.delivery.peer import STATUS_PATH
from supervisor.delivery.replies import MAX_ANSWER_BYTES, Answer, Reply, classify
from supervisor.errors import SecretUnreadable, StillHanging, SupervisorError
from supervisor.host.kept_connection import (
    MAX_HEAD_BYTES,
    EndlessHeadError,
    KeptConnection,
    UnaskedAnswerError,
)
from supervisor.host.threads import probe
from supervisor.host.tls import (
    require_pem_file,
    server_name,
    tls_context,
    url_to_dial,
    without_zone,
)

CLOSE_TIMEOUT = 0.1
"""Seconds for which the connection may take to close."""

_HEADER_TOKEN = re.compile(r"[\x21-\x7e]+")
"""A bearer token that can stand in a header."""


@define(eq=False, repr=False)
class Client:
    """Talks to one peer over one connection that is kept open."""

    url: str
    """The peer's address, as in the service file."""

    settings: Alertmanager
    """Time-out, credentials and certificates."""

    transport: httpx.AsyncBaseTransport | None = None
    """Carries the requests. None for TCP and TLS."""

    _connection: KeptConnection = field(factory=KeptConnection)
    """The connection that is kept."""

    _http: httpx.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the certificates. Raises `SupervisorError`."""
        self._http = httpx.AsyncClient(
            trust_env=False,
            transport=self.transport,
            verify=_tls(self.url, self.settings),
            # httpx counts a time-out for each read, so a peer that sends single bytes never meets
            # it. `_request` has the time-out for the whole request. This one is for connecting:
            # only after its own time-out does httpcore close the socket.
            timeout=httpx.Timeout(None, connect=0.9 * self.settings.timeout),
            limits=httpx.Limits(max_connections=1),
            headers={
                "User-Agent": f"alertmanager-supervisor/{__version__}",
                "Accept-Encoding": "identity",  # answers are read as bytes
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with trio.move_on_after(CLOSE_TIMEOUT) as scope:
            scope.shield = True
            await self._http.aclose()

    async def post(
        self,
        alerts: list[bytes],
        now: float,
        on_sent: Callable[[], None] | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - a limit that is its own answer
    ) -> Answer:
        """Post encoded alerts as one batch. Errors of the connection are answers, too.

        `on_sent` is called after the request was sent, while the peer works on it. `timeout` in
        seconds replaces the configured one.
        """
        body = b"[" + b",".join(alerts) + b"]"
        return await self._request(
            "POST",
            "/api/v2/alerts",
            now,
            body,
            on_sent=on_sent,
            timeout=timeout,
            status_is_all=True,
        )

    async def get(self, path: str, now: float, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """Get something. Of the answer's body at most `max_bytes` are read."""
        return await self._request("GET", path, now, max_bytes=max_bytes)

    async def change(self, method: str, path: str, now: float, body: bytes = b"") -> Answer:
        """Change something else than alerts, such as a silence."""
        return await self._request(method, path, now, body)

    async def explained(self, answer: Answer, now: float) -> Answer:
        """Return why a peer hung up. A post can lose what the peer says about our certificate."""
        if answer.reason != "transport" or not self.url.lower().startswith("https:"):
            return answer
        asked = await self.get(STATUS_PATH, now)
        return asked if asked.reason == "certificate" else answer

    async def _request(
        self,
        method: str,
        path: str,
        now: float,
        content: bytes = b"",
        max_bytes: int = MAX_ANSWER_BYTES,
        on_sent: Callable[[], None] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a limit that is its own answer
        *,
        status_is_all: bool = False,
    ) -> Answer:
        """Send a request. If its `status_is_all`, the rest of the answer may end as it likes."""
        limit = self.settings.timeout if timeout is None else timeout

        async def trace(event: str, details: Mapping[str, Any]) -> None:
            await self._connection.note(event, details)
            if on_sent and event == "http11.receive_response_headers.started":
                on_sent()

        deadline = trio.current_time() + limit
        try:
            with trio.fail_at(deadline):
                request = self._http.build_request(
                    method,
                    url_to_dial(self.url).rstrip("/") + path,
                    headers={**_described(content), **await self._authorization()},
                    extensions={"trace": trace},
                )
                request.headers["Host"] = without_zone(request.headers["Host"])
                request.extensions["sni_hostname"] = server_name(request.url.raw_host.decode())
                if self._connection.is_old:
                    request.headers["Connection"] = "close"
                response = await self._send(request, content)
            is_taken = status_is_all and response.is_success
            body = await _bounded(response, max_bytes, deadline, is_needed=not is_taken)
        except (trio.TooSlowError, httpx.TimeoutException):
            return Answer(Reply.RETRY, "timeout", f"no answer within {limit:g} s")
        except httpx.HTTPError as error:
            return _answer_for(error)
        except EndlessHeadError:
            return Answer(Reply.RETRY, "transport", f"no answer within {MAX_HEAD_BYTES} bytes")
        except UnaskedAnswerError:
            return Answer(Reply.RETRY, "transport", "an answer came before its request")
        except (httpx.InvalidURL, UnicodeError) as error:  # the resolver's IDNA raises it, too
            return Answer(Reply.MISCONFIGURED, "address", str(error))
        except SecretUnreadable as error:
            return Answer(Reply.MISCONFIGURED, "credentials", str(error))
        return classify(response.status_code, response.headers, body, now)

    async def _send(self, request: httpx.Request, content: bytes) -> httpx.Response:
        """Send a request, once more if a kept connection fails: it may have ended just now."""
        known = self._connection.count
        for is_last in (False, True):
            if content:
                request.stream = _Body(content)
            try:
                return await self._http.send(request, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError, UnaskedAnswerError):
                if is_last or self._connection.count != known:
                    raise
        raise AssertionError

    async def _authorization(self) -> dict[str, str]:
        """Read the credentials for each request, so that new ones need no restart."""
        if self.settings.bearer_token is not None:
            token = await self._read(self.settings.bearer_token)
            if not _HEADER_TOKEN.fullmatch(token):
                # httpx would put it into an error message.
                raise SecretUnreadable("cannot use the bearer token: it is not a single ASCII word")
            return {"Authorization": f"Bearer {token}"}
        if self.settings.password is not None:
            password = await self._read(self.settings.password)
            basic = httpx.BasicAuth(self.settings.username, password)
            request = httpx.Request("GET", "http://localhost")
            return {"Authorization": next(basic.auth_flow(request)).headers["Authorization"]}
        return {}

    async def _read(self, secret: Secret) -> str:
        """Return a secret; raises `SecretUnreadable`, also when its file is on a dead mount."""
        if secret.kind == "env":  # it is in memory
            return secret.read()
        what = f"read of the {secret.kind} {secret.name}"
        # Half of the request's time: what is wrong with the secret must not look like a slow peer.
        with trio.move_on_after(self.settings.timeout / 2):
            try:
                return await probe(what, secret.read)
            except StillHanging as error:
                raise SecretUnreadable(f"cannot read the secret: {error}") from None
        raise SecretUnreadable(f"cannot read the secret: the {what} takes too long")


def _described(content: bytes) -> dict[str, str]:
    if not content:
        return {}
    return {"Content-Type": "application/json", "Content-Length": str(len(content))}


@define(eq=False, repr=False)
class _Body(httpx.AsyncByteStream):
    """What is sent. httpx's own stream is an async generator, which a time-out leaves half read."""

    content: bytes
    _is_read: bool = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._is_read:
            raise StopAsyncIteration
        self._is_read = True
        return self.content


async def _bounded(
    response: httpx.Response, max_bytes: int, deadline: float, *, is_needed: bool
) -> bytes:
    """Return the body of an answer, at most `max_bytes` of it, and close the answer.

    If the body is needed, raises `TooSlowError` or `httpx.HTTPError` when it does not come whole.
    """
    body = bytearray()
    try:
        # When it is cancelled, httpx closes its stream. A `break` would leave that to the garbage
        # collector.
        with trio.CancelScope(deadline=deadline) as scope:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= max_bytes:
                    scope.cancel()
        if is_needed and scope.cancelled_caught and len(body) < max_bytes:
            raise trio.TooSlowError
    except httpx.HTTPError:
        if is_needed:
            raise
    finally:
        with trio.move_on_at(max(deadline, trio.current_time() + CLOSE_TIMEOUT)):
            await response.aclose()
    return bytes(body[:max_bytes])


def _tls(url: str, settings: Alertmanager) -> ssl.SSLContext | bool:
    if not url.lower().startswith("https:"):
        return False  # there is no TLS, and building a context takes 40 ms
    try:
        context = tls_context(settings.ca_file, strict=settings.strict)
        if settings.cert_file is not None:
            for path in filter(None, (settings.cert_file, settings.key_file)):
                require_pem_file(path)
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:
        raise SupervisorError(f"cannot load the certificates for {url}: {error}") from error
    return context


def _answer_for(error: httpx.HTTPError) -> Answer:
    """Return the answer that stands for an error of the connection."""
    causes = [*connection_errors.causes(error)]
    if said := connection_errors.about_certificates(causes):
        return Answer(Reply.MISCONFIGURED, "certificate", said)
    reason = "connect" if isinstance(error, httpx.ConnectError) else "transport"
    return Answer(Reply.RETRY, reason, connection_errors.in_words(causes))
