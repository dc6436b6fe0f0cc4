"""The `talk` check against servers on loopback: right, wrong, silent and hostile."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from checks._talk.conversation import MAX_SHOWN
from checks._talk.server import TalkServer
from checks._talk.steps import Step
from supervisor.api import Condition, Duration, Limit, Measurement
from tests.checks.talk_bench import PING, answering, at, failure, failures, look, saying, serving
from tests.support.addresses import black_hole, resolve_to


async def test_a_right_answer_is_measured() -> None:
    async with serving(answering(b"+PONG\r\n")) as port:
        (seen,) = await look(at(port, **PING))

    assert isinstance(seen, Measurement)
    assert (seen.name, seen.unit, seen.labels) == ("talk_seconds", "s", {"server": "s"})


async def test_a_wrong_answer_fires_and_resolves() -> None:
    answers = [b"+PONG\r\n", b"-LOADING\r\n", b"+PONG\r\n"]

    async def handle(stream: trio.SocketStream) -> None:
        await answering(answers.pop(0))(stream)

    verdicts = []
    async with serving(handle) as port:
        while answers:
            seen = await look(at(port, timeout=Duration(0.5), **PING))
            verdicts.append([(item.message, item.detail) for item in failures(seen)])

    wrong = rf"s (127.0.0.1:{port}): the answer does not match '^\+PONG' within 0.5 s"
    assert verdicts == [[], [(wrong, "<pre>-LOADING\\r\n</pre>")], []]


async def test_a_server_that_is_silent_is_said() -> None:
    assert await failure(saying()) == ("no answer that matches '^220 ' within 0.5 s", "")


async def test_a_server_that_closes_at_once_is_said() -> None:
    async def close(stream: trio.SocketStream) -> None:
        await stream.send_all(b"421 busy\r\n")

    why = "the server closed the connection; the answer does not match '^220 '"
    assert await failure(close) == (why, "<pre>421 busy\\r\n</pre>")


async def test_a_connection_that_is_reset_is_said() -> None:
    async def reset(stream: trio.SocketStream) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert await failure(reset) == ("connection reset by peer", "")


async def test_output_without_an_end_is_read_up_to_a_bound() -> None:
    sent = 0

    async def flood(stream: trio.SocketStream) -> None:
        nonlocal sent
        while True:
            await stream.send_all(b"x" * 65536)
            sent += 65536

    why, detail = await failure(flood, timeout=Duration(5))

    assert why == "the first 16 KiB of the answer do not match '^220 '"
    assert len(detail) <= MAX_SHOWN + len("<pre></pre>")
    assert sent < 16 << 20  # what the kernel's buffers hold


async def test_a_server_that_drips_is_heard_until_the_time_is_over() -> None:
    drops = [b"x"] * 1000

    why, detail = await failure(saying(*drops, pause=0.05))

    assert why == "the answer does not match '^220 ' within 0.5 s"
    assert re.fullmatch("<pre>x{1,11}</pre>", detail)


async def test_a_right_answer_may_drip() -> None:
    async with serving(saying(*(bytes([byte]) for byte in b"220 mail\r\n"), pause=0.01)) as port:
        assert not failures(await look(at(port, expect="^220 mail\r\n")))


async def test_bytes_that_are_no_text_are_escaped() -> None:
    _, detail = await failure(saying(b"\x00\xff<b>\x1b[31m\r\n\xc3\xa9"))

    assert detail == "<pre>\\x00\\xff&lt;b&gt;\\x1b[31m\\r\n\u00e9</pre>"


async def test_a_server_that_does_not_read_is_said() -> None:
    steps = (Step(send="x" * (16 << 20)), Step(expect="x"))

    why, _ = await failure(saying(), steps=steps, expect="")

    assert why == "step 1: it does not take what is sent within 0.5 s"


SMTP = (Step(expect="^220 "), Step(send="EHLO a\r\n", expect="^250 "), Step(expect="bye"))


async def test_the_step_that_fails_is_named_and_what_was_read_in_it_is_shown() -> None:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220-hello\r\n220 mail\r\n")
        assert await stream.receive_some() == b"EHLO a\r\n"
        await stream.send_all(b"250-a\r\n250 b\r\nno\r\n")
        await trio.sleep_forever()

    why, detail = await failure(handle, steps=SMTP, expect="")

    assert why == "step 3: the answer does not match 'bye' within 0.5 s"
    assert detail == "<pre>b\\r\nno\\r\n</pre>"


async def test_what_comes_before_it_is_expected_is_kept() -> None:
    async with serving(saying(b"220 a\r\n250 b\r\nbye")) as port:
        assert not failures(await look(at(port, steps=SMTP)))


async def test_bytes_are_sent_as_they_are_written() -> None:
    async def echo(stream: trio.SocketStream) -> None:
        await stream.send_all(await stream.receive_some())

    async with serving(echo) as port:
        steps = (Step(send_hex="00 fF", expect=r"\A\x00\C\z"),)
        assert not failures(await look(at(port, steps=steps)))


async def test_each_server_is_judged_though_others_hang() -> None:
    with black_hole("127.0.0.1") as hole:
        async with serving(answering(b"+PONG\r\n")) as port, serving(saying()) as silent:
            seen = await look(
                at(silent, name="silent", timeout=Duration(0.5), **PING),
                at(hole.getsockname()[1], name="hole", timeout=Duration(0.5), **PING),
                at(port, name="right", **PING),
            )

    assert [item.instance for item in failures(seen)] == ["silent", "hole"]
    assert [failures(seen)[1].message.endswith("no connection within 0.5 s")] == [True]
    assert isinstance(seen[2], Measurement)


async def test_the_time_of_the_module_ends_all_talks(autojump_clock: MockClock) -> None:
    async with serving(saying()) as port:
        with trio.fail_after(30):
            (failed,) = failures(await look(at(port, timeout=Duration(60), **PING)))

    assert failed.message.endswith(" within 29 s")


async def test_a_port_that_is_closed_is_said() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        (failed,) = failures(await look(at(port, **PING)))

    assert failed.message == f"s (127.0.0.1:{port}): connection refused"


async def test_all_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(b"+PONG\r\n")) as port:
        with black_hole("127.0.0.2", port):
            resolve_to(monkeypatch, "127.0.0.3", "127.0.0.2", "127.0.0.1")
            seen = await look(at(port, host="redis.invalid", timeout=Duration(1), **PING))

    assert not failures(seen)


async def test_a_name_that_there_is_not_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    (failed,) = failures(await look(at(host="no.invalid", **PING)))

    assert failed.message == "s (no.invalid:1): name or service not known"


async def test_a_slow_talk_fires_by_its_limits() -> None:
    never, always = Duration(4), Duration(1e-9)
    limits = (Limit.of(never), Limit.of(always), Limit((("W", always / 2), ("E", always))))
    async with serving(answering(b"+PONG\r\n")) as port:
        found = [failures(await look(at(port, max_seconds=each, **PING))) for each in limits]

    assert [[(i.alertname, i.event_type) for i in each] for each in found] == [
        [],
        [("Talk slow", "W")],
        [("Talk slow", "E")],
    ]


async def test_a_unix_socket_is_talked_with(tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = TalkServer(name="s", socket=path, **PING)
    (missing,) = failures(await look(server))
    with trio.socket.socket(trio.socket.AF_UNIX) as sock:
        await sock.bind(str(path))
        sock.listen()
        async with trio.open_nursery() as nursery:
            listener = trio.SocketListener(sock)
            await nursery.start(trio.serve_listeners, answering(b"+PONG\r\n"), [listener])
            found = failures(await look(server))
            nursery.cancel_scope.cancel()

    assert missing.message == f"s ({path}): no such file or directory"
    assert not found


@asynccontextmanager
async def datagrams(*answers: bytes) -> AsyncIterator[int]:
    """Answer each datagram with all of these; return the port."""
    with trio.socket.socket(type=trio.socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.0.0.1", 0))

        async def serve() -> None:
            while True:
                _, address = await sock.recvfrom(100)
                for answer in answers:
                    await sock.sendto(answer, address)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)  # noqa: ASYNC113 - its socket is bound
            yield sock.getsockname()[1]
            nursery.cancel_scope.cancel()


async def test_a_server_is_talked_with_by_datagrams() -> None:
    async with datagrams(b"", b"other\n+PO", b"NG") as port, datagrams() as silent:
        right = await look(at(port, transport="udp", **PING))
        (late,) = await look(at(silent, transport="udp", timeout=Duration(0.2), **PING))
    (refused,) = await look(at(port, transport="udp", **PING))

    assert not failures(right)
    assert isinstance(late, Condition)
    assert late.message.endswith(r"no answer that matches '^\+PONG' within 0.2 s")
    assert isinstance(refused, Condition)
    assert refused.message.endswith(": connection refused")
