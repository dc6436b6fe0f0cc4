"""The `http` check on servers that are silent, endless or broken: none holds up another."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import trio

from checks._http import tls as tls_contexts
from checks._http.target import Target
from checks.http import Params, run
from supervisor.api import Limit, Measurement
from tests.checks.http_bench import SOON, look, no_socket_is_left, tls, today, told
from tests.support.fake_peer import (
    Behaviour,
    FakePeer,
    answer,
    black_hole,
    closing,
    drip,
    http,
    raw,
    reset,
)
from tests.support.hanging_call import Hanging, until_no_thread_hangs

__all__ = ["no_socket_is_left"]  # a fixture

SLOW = f"no answer within {SOON} s"


async def hang_up(stream: Any) -> None:
    await stream.aclose()


ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1_000_000
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (black_hole, SLOW),
        (drip([b"%c" % byte for byte in http(200, b"x" * 1000)], 0.05), SLOW),
        (drip([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0.05), SLOW),
        (reset, ""),
        (hang_up, "Server disconnected without sending a response."),
        (raw(b"220 this is not a web server\r\n\r\n"), "illegal status line"),
        (raw(b"\x00\xff" * 5000), ""),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), ""),
        (closing(raw(ENDLESS_HEADERS)), ""),
        (closing(raw(MANY_HEADERS)), ""),
        (closing(raw(http(200, b"x", {"Content-Length": "9"}))), "peer closed connection"),
        (answer(302, headers={"Location": "ftp://x.invalid"}), "unsupported protocol"),
        (answer(302, headers={"Location": "http://[x]:y/"}), "Invalid URL in location header"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_bad_server_fails_in_time(
    nursery: trio.Nursery, behaviour: Behaviour, said: str, secure: bool
) -> None:
    peer = await nursery.start(FakePeer(usual=behaviour, tls=tls(9) if secure else None).serve)
    with trio.fail_after(4):
        seen = await look(peer.url, SOON, follow_redirects=True, verify=False)
    ((name, kind, message),) = told(seen)

    assert (name, kind) == ("HTTP check failed", "E")
    assert said in message
    assert len(message) < 400
    assert message.removeprefix(f"x ({peer.url}): ").isprintable()


EVENTS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = drip([EVENTS, *[b"d\r\ndata: alive\n\n\r\n"] * 1000], 0.05)
"""Server-sent events: the head at once, the body for ever."""


@pytest.mark.parametrize("behaviour", [STREAM, drip([EVENTS, *[b""] * 1000], 0.05)])
async def test_a_stream_without_end_is_up_when_nothing_is_asked_of_its_body(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    peer = await nursery.start(FakePeer(usual=behaviour).serve)
    seen = await look(peer.url, SOON)
    measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}

    assert told(seen) == []
    assert measured["http_status"] == 200
    assert measured["http_seconds"] < SOON


@pytest.mark.parametrize("asked_of_it", [{"contains": "dead"}, {"max_seconds": Limit.of(SOON / 2)}])
async def test_a_stream_without_end_is_too_slow_when_its_end_is_asked_for(
    nursery: trio.Nursery, asked_of_it: dict[str, Any]
) -> None:
    peer = await nursery.start(FakePeer(usual=STREAM).serve)

    assert told(await look(peer.url, SOON, **asked_of_it))[0][2].endswith(SLOW)


async def test_silent_targets_do_not_hide_others_at_the_modules_timeout(
    nursery: trio.Nursery,
) -> None:
    silent: FakePeer = await nursery.start(FakePeer(usual=black_hole).serve)
    dripping = await nursery.start(FakePeer(usual=drip([b"H"] * 1000, 0.05)).serve)
    broken = await nursery.start(FakePeer(usual=answer(500)).serve)
    names = {"silent": silent, "dripping": dripping, "broken": broken}
    targets = tuple(Target(name, peer.url) for name, peer in names.items())
    with trio.fail_after(1):
        seen = told(await run(today(), Params(targets)))

    assert len(seen) == 3
    assert [name for name, *_ in seen] == ["HTTP check failed"] * 3
    assert all(re.search(r": no answer within 0\.[0-9]+ s$", said) for *_, said in seen[:2])
    assert seen[2][2].endswith(": status 500, expected 200-299")


async def test_a_ca_file_that_hangs_does_not_hide_other_targets(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    peer = await nursery.start(FakePeer(usual=answer(500)).serve)
    hanging = Hanging(ssl.create_default_context())
    monkeypatch.setattr(tls_contexts, "tls_context", hanging)
    targets = (
        Target("hangs", "https://127.0.0.1:1", ca_file=tmp_path / "dead"),
        Target("other", peer.url),
    )
    with trio.fail_after(1):
        seen = told(await run(today(), Params(targets)))
    with trio.fail_after(1):
        again = told(await run(today(), Params(targets)))
    hanging.released.set()
    await until_no_thread_hangs()

    assert [message.partition("): ")[2] for *_, message in seen] == [
        f"reading {tmp_path}/dead takes too long",
        "status 500, expected 200-299",
    ]
    assert again[0][2].endswith(f"an earlier read of {tmp_path}/dead still hangs")
    assert len(again) == 2


async def test_other_tasks_run_between_tiny_chunks(nursery: trio.Nursery) -> None:
    body = b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n"
    tiny = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    peer = await nursery.start(FakePeer(usual=tiny).serve)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    nursery.start_soon(count_turns)
    seen = told(await look(peer.url))
    nursery.cancel_scope.cancel()

    assert seen == []
    assert turns >= 5000
