"""Watch the one connection of an HTTP client: its age, its socket, and what it reads."""

from __future__ import annotations

import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import trio
from attrs import define

MAX_HEAD_BYTES = 64 * 1024
"""Bytes that may come before the end of an answer's head. Answers 1xx could go on for ever."""

MAX_CONNECTION_AGE = 300.0
"""Seconds for which a connection is kept. A name may have moved to another address."""


@define(eq=False, repr=False)
class KeptConnection:
    """What the events of httpcore, its extension `trace`, tell about the connection."""

    count: int = 0
    """How many were opened."""

    _opened_at: float = math.inf
    """trio's time at which the last one was opened."""

    _stream: Any = None
    """httpcore's stream over it."""

    _is_kept: bool = False
    """Whether it has answered a request."""

    _head_bytes: int | None = None
    """What was read of the head of an answer. None while something else is read."""

    @property
    def is_old(self) -> bool:
        """Whether it must not be kept any longer."""
        return trio.current_time() - self._opened_at > MAX_CONNECTION_AGE

    async def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Note an event."""
        match event:
            case "connection.connect_tcp.started":
                self.count += 1
                self._opened_at, self._is_kept = trio.current_time(), False
                self._head_bytes = None
            case "connection.connect_tcp.complete" | "connection.start_tls.complete":
                self._stream = details["return_value"]
                self._stream.read = partial(self._read, self._stream.read)
            case "connection.start_tls.failed":
                # httpcore leaves the socket of a cancelled handshake to the garbage collector.
                await self._stream.aclose()
            case "http11.send_request_headers.started":
                if self._is_kept and self._has_decrypted_more():
                    raise UnaskedAnswerError
            case "http11.receive_response_headers.started":
                self._head_bytes = 0
            case "http11.receive_response_headers.complete":
                if self._head_bytes == 0:  # h11 had read it together with the one before
                    raise UnaskedAnswerError
                self._is_kept, self._head_bytes = True, None

    def _has_decrypted_more(self) -> bool:
        """Return whether TLS has read more than the last answer, where no socket shows it."""
        tls = self._stream.get_extra_info("ssl_object")
        try:
            return tls is not None and bool(tls.read(1))
        except ssl.SSLError:  # nothing is there, or what the request will meet, too
            return False

    async def _read(
        self, read: Callable[..., Awaitable[bytes]], *arguments: Any, **settings: Any
    ) -> bytes:
        data = await read(*arguments, **settings)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                raise EndlessHeadError
        return data


class UnaskedAnswerError(Exception):
    """An answer was there before its request: it came after the answer to an earlier one."""


class EndlessHeadError(Exception):
    """The head of an answer has no end."""
