"""The ways in which a peer of the chaos runs meets a request."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from attrs import frozen

from tests.support.fake_peer import (
    Behaviour,
    Stream,
    answer,
    black_hole,
    closing,
    drip,
    later,
    raw,
    reset,
)

TIMEOUT = 1.0
"""Seconds that the supervisor waits for an answer in these runs."""

LEAST_LIMIT = 4096
"""Bytes: more than any single alert of these runs, so that halving ends."""


_OK = answer()


@frozen
class Weather:
    """`takes` tells whether the peer keeps what it is sent, whatever the answer looks like.

    With a `limit` in bytes it keeps, and answers 200 to, what is no longer than that.
    """

    name: str
    takes: bool
    behaviour: Behaviour = _OK
    limit: int | None = None
    listens: bool = True


async def _stall(stream: Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Len")
    await trio.sleep_forever()


def _dripping() -> Behaviour:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    return drip([text[index : index + 1] for index in range(len(text))], 0.2)


def _too_many(retry_after: str) -> Behaviour:
    return answer(429, b"slow down", {"Retry-After": retry_after})


_CUT = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
_GARBAGE = raw(b"\x16\x03\x01\x00garbage\r\n\r\n\x00")
_MOVED: Mapping[str, str] = {"Location": "http://127.0.0.1:9/elsewhere"}

FINE = Weather("fine", takes=True)

REACHABLE = (
    FINE,
    Weather("slow", takes=True, behaviour=later(0.3, answer())),
    Weather("very slow", takes=True, behaviour=later(0.9, answer())),
    Weather("closing", takes=True, behaviour=closing(answer())),
    Weather("no content", takes=True, behaviour=answer(204)),
    Weather("strange body", takes=True, behaviour=answer(200, b"\x00\xff{")),
    Weather("413", takes=False, behaviour=answer(413), limit=LEAST_LIMIT),
)
"""It takes what is sent, and says so."""

UNSURE = (
    Weather("200 after the timeout", takes=True, behaviour=later(1.5 * TIMEOUT, answer())),
    Weather("taken, reset", takes=True, behaviour=reset),
    Weather("taken, black hole", takes=True, behaviour=black_hole),
    Weather("taken, dripping", takes=True, behaviour=_dripping()),
    Weather("taken, cut off", takes=True, behaviour=closing(_CUT)),
    Weather("taken, stalled", takes=True, behaviour=_stall),
    Weather("taken, 500", takes=True, behaviour=answer(500)),
    Weather("taken, 504", takes=True, behaviour=answer(504, b"<html>gateway</html>")),
)
"""It takes what is sent, and the supervisor cannot know."""

UNREACHABLE = (
    Weather("reset", takes=False, behaviour=reset),
    Weather("black hole", takes=False, behaviour=black_hole),
    Weather("429", takes=False, behaviour=_too_many("2")),
    Weather("429, bad header", takes=False, behaviour=_too_many("soon")),
    Weather("500", takes=False, behaviour=answer(500)),
    Weather("503", takes=False, behaviour=answer(503, b"", {"Retry-After": "1"})),
    Weather("302", takes=False, behaviour=answer(302, b"", _MOVED)),
    Weather("404", takes=False, behaviour=answer(404, b"nothing here")),
    Weather("400 of a proxy", takes=False, behaviour=answer(400, b"<html>bad</html>")),
    Weather("garbage", takes=False, behaviour=closing(_GARBAGE)),
    Weather("refused", takes=False, listens=False),
)
"""Nothing that is sent gets through."""
