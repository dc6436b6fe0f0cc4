"""One Alertmanager over HTTP: post a batch, understand the answer. Nothing else here uses httpx.

The API is `POST /api/v2/alerts`; how each answer is to be read is in `classify`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx
import trio
from attrs import define, field

from supervisor import __version__
from supervisor.config.service import Alertmanager
from supervisor.delivery import connection_errors
from supervisor.delivery.replies import MOST_ANSWER_BYTES, Answer, Reply, classify
from supervisor.errors import SecretUnreadable, SupervisorError

_HEADER_TOKEN = re.compile(r"[\x21-\x7e]+")


@define
class Client:
    """Talks to one peer over one kept connection, for the peer's whole life."""

    url: str
    settings: Alertmanager
    _http: httpx.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the certificates. Raises `SupervisorError`."""
        self._http = httpx.AsyncClient(
            trust_env=False,
            verify=_tls(self.url, self.settings),
            # Per read, so a drip outlives it: `_request` has the one that counts. This one is
            # there because httpcore closes a socket after its own timeout alone.
            timeout=httpx.Timeout(None, connect=0.9 * self.settings.timeout),
            limits=httpx.Limits(max_connections=1),
            headers={
                "User-Agent": f"alertmanager-supervisor/{__version__}",
                "Accept-Encoding": "identity",  # answers are read as they come
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
        with trio.move_on_after(0.1) as scope:
            scope.shield = True
            await self._http.aclose()

    async def post(
        self, alerts: list[bytes], now: float, meanwhile: Callable[[], None] | None = None
    ) -> Answer:
        """Post encoded alerts as one batch; every fault of the way is an answer, too.

        `meanwhile` is called when the request is sent, while the peer works on it.
        """
        body = b"[" + b",".join(alerts) + b"]"
        return await self._request("POST", "/api/v2/alerts", now, body, meanwhile=meanwhile)

    async def get(self, path: str, now: float, most: int = MOST_ANSWER_BYTES) -> Answer:
        """Read something; the body of the answer is cut at so many bytes."""
        return await self._request("GET", path, now, most=most)

    async def _request(
        self,
        method: str,
        path: str,
        now: float,
        content: bytes = b"",
        most: int = MOST_ANSWER_BYTES,
        meanwhile: Callable[[], None] | None = None,
    ) -> Answer:
        async def trace(event: str, _details: object) -> None:
            if meanwhile and event == "http11.receive_response_headers.started":
                meanwhile()

        try:
            with trio.fail_after(self.settings.timeout):
                request = self._http.build_request(
                    method,
                    self.url.rstrip("/") + path,
                    headers={**_described(content), **self._authorization()},
                    extensions={"trace": trace} if meanwhile else None,
                )
                if content:
                    request.stream = _Body(content)
                response = await self._http.send(request, stream=True)
                try:
                    body = await _bounded(response, most)
                finally:
                    await response.aclose()
        except (trio.TooSlowError, httpx.TimeoutException):
            return Answer(Reply.RETRY, "timeout", f"no answer within {self.settings.timeout:g} s")
        except httpx.HTTPError as error:
            return _fault(error)
        except (httpx.InvalidURL, UnicodeError) as error:  # also from the resolver's IDNA
            return Answer(Reply.MISCONFIGURED, "address", str(error))
        except SecretUnreadable as error:
            return Answer(Reply.MISCONFIGURED, "credentials", str(error))
        return classify(response.status_code, response.headers, body, now)

    def _authorization(self) -> dict[str, str]:
        """Read the credentials for each request, so that a rotated one needs no restart."""
        if self.settings.bearer_token is not None:
            token = self.settings.bearer_token.read()
            if not _HEADER_TOKEN.fullmatch(token):
                # Sent on, it would come back in an error message.
                raise SecretUnreadable("cannot use the bearer token: it is no single ASCII word")
            return {"Authorization": f"Bearer {token}"}
        if self.settings.password is not None:
            basic = httpx.BasicAuth(self.settings.username, self.settings.password.read())
            request = httpx.Request("GET", "http://localhost")
            return {"Authorization": next(basic.auth_flow(request)).headers["Authorization"]}
        return {}


def _described(content: bytes) -> dict[str, str]:
    if not content:
        return {}
    return {"Content-Type": "application/json", "Content-Length": str(len(content))}


@define
class _Body(httpx.AsyncByteStream):
    """What is sent. httpx's own is an async generator, which a timeout leaves half read."""

    content: bytes
    _is_read: bool = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._is_read:
            raise StopAsyncIteration
        self._is_read = True
        return self.content


async def _bounded(response: httpx.Response, most: int) -> bytes:
    """Read an answer, and no more of it than is worth reading."""
    body = bytearray()
    # Cancelled, httpx closes what it reads from; left by `break`, the garbage collector must.
    with trio.CancelScope() as scope:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) >= most:
                scope.cancel()
    return bytes(body[:most])


def _tls(url: str, settings: Alertmanager) -> ssl.SSLContext | bool:
    if not url.lower().startswith("https:"):
        return False  # there is no TLS, and building a context takes 40 ms
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SupervisorError(f"cannot load the certificates for {url}: {error}") from error
    return context


def _fault(error: httpx.HTTPError) -> Answer:
    causes = [*connection_errors.causes(error)]
    if said := connection_errors.about_certificates(causes):
        return Answer(Reply.MISCONFIGURED, "certificate", said)
    reason = "connect" if isinstance(error, httpx.ConnectError) else "transport"
    return Answer(Reply.RETRY, reason, connection_errors.in_words(causes))
