"""The `talk` check against servers on loopback: right, wrong, silent and hostile."""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from trio.testing import MockClock

from checks import talk
from checks._talk.conversation import MAX_BYTES, MAX_SHOWN
from checks._talk.presets import PRESETS
from checks._talk.server import TalkServer
from checks._talk.steps import MAX_STEPS, Step
from checks.talk import Params
from supervisor.api import Condition, Duration, Limit, Measurement, Observation
from tests.support.addresses import black_hole, resolve_to
from tests.support.check_context import context

Handler = Callable[[Any], Awaitable[None]]
PING: dict[str, Any] = {"send": "PING\r\n", "expect": r"^\+PONG"}


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Let a handler talk with each client; return the port."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            wire = trio.SSLStream(stream, tls, server_side=True) if tls else stream
            with suppress(trio.BrokenResourceError):  # the check has gone
                await handler(wire)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def answering(*answers: bytes) -> Handler:
    """Return a handler that answers whatever it reads with the next of these."""

    async def handle(stream: trio.SocketStream) -> None:
        for answer in answers:
            await stream.receive_some()
            await stream.send_all(answer)
        await trio.sleep_forever()

    return handle


def saying(*parts: bytes, pause: float = 0) -> Handler:
    """Return a handler that says this at once, in parts, and is then silent."""

    async def handle(stream: trio.SocketStream) -> None:
        for part in parts:
            await stream.send_all(part)
            await trio.sleep(pause)
        await trio.sleep_forever()

    return handle


def at(port: int = 1, **settings: Any) -> TalkServer:
    return TalkServer(**{"name": "s", "host": "127.0.0.1", "port": port, **settings})


async def look(*servers: TalkServer) -> list[Observation]:
    return list(await talk.run(context(), Params(servers)))


def failures(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


async def failure(handler: Handler, **settings: Any) -> tuple[str, str]:
    """Return why a talk fails, and the detail."""
    given = {"timeout": Duration(0.5), "expect": "^220 ", **settings}
    async with serving(handler) as port:
        (failed,) = failures(await look(at(port, **given)))
    assert (failed.alertname, failed.event_type, failed.instance) == ("Talk failed", "E", "s")
    before = f"s (127.0.0.1:{port}): "
    assert failed.message.startswith(before)
    return failed.message.removeprefix(before), failed.detail


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


# Unix sockets and UDP


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


# TLS

CA = trustme.CA()


def certified(host: str = "127.0.0.1") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(host).configure_cert(made)
    return made


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def test_whom_tls_trusts_is_told_as_for_certificates(ca_file: Path) -> None:
    settings: list[dict[str, Any]] = [
        {"ca_file": ca_file},
        {"verify": False},
        {},
        {"ca_file": ca_file, "server_name": "other.invalid"},
        {"ca_file": Path("/nonexistent")},
    ]
    async with serving(answering(b"+PONG\r\n"), certified()) as port:
        servers = [
            at(port, name=str(n), transport="tls", **PING, **each)
            for n, each in enumerate(settings)
        ]
        seen = {item.instance: item.message for item in failures(await look(*servers))}

    assert seen.keys() == {"2", "3", "4"}
    assert "its certificate is not trusted: " in seen["2"]
    assert "Hostname mismatch" in seen["3"]
    assert "cannot load /nonexistent: " in seen["4"]


async def test_a_server_that_does_not_speak_tls_is_said(ca_file: Path) -> None:
    settings = {"transport": "tls", "ca_file": ca_file, **PING}
    why, _ = await failure(saying(b"220 mail.example.invalid\r\n"), **settings)
    silence, _ = await failure(saying(), **settings)

    assert why.startswith("TLS failed: ")
    assert silence == "no connection within 0.5 s"


# Presets

FAKES = {
    "amqp": answering(bytes.fromhex("01 0000 000001f6 000a 000a 00 09 00")),
    "ftp": saying(b"220-hello\r\n220 ftp\r\n221 bye\r\n"),
    "imap": saying(b"* OK [CAPABILITY IMAP4rev1] ready\r\n* BYE\r\na OK done\r\n"),
    "memcached": answering(b"VERSION 1.6.18\r\n"),
    "mysql": saying(b"\x5b\0\0\0\x0a8.4.3\0"),
    "pop3": saying(b"+OK ready\r\n+OK bye\r\n"),
    "postgres": answering(b"N"),
    "redis": answering(b"-NOAUTH Authentication required.\r\n"),
    "smtp": saying(b"220-a\r\n220 b ESMTP\r\n221 2.0.0 Bye\r\n"),
    "ssh": saying(b"warning\r\nSSH-2.0-OpenSSH_9.2p1\r\n"),
}
"""What servers of each kind say, by the protocol."""

BLOCKED = b"\x45\0\0\0\xff\x6a\x04Host '127.0.0.1' is blocked"


@pytest.mark.parametrize("name", PRESETS)
async def test_a_preset_tells_its_server_from_another(name: str) -> None:
    async with serving(FAKES[name]) as port, serving(saying(BLOCKED)) as other:
        right = await look(at(port, preset=name))
        (wrong,) = await look(at(other, preset=name, timeout=Duration(0.3)))

    assert not failures(right)
    assert isinstance(wrong, Condition)
    assert wrong.detail.endswith("Host &#x27;127.0.0.1&#x27; is blocked</pre>")


def test_presets_are_talks_that_a_service_file_could_have() -> None:
    assert list(PRESETS) == sorted(PRESETS)
    for name, preset in PRESETS.items():
        assert TalkServer(name="s", host="a", preset=name).where == preset.port
        assert TalkServer(name="s", host="a", port=1, steps=preset.steps).talk == preset.steps
        assert len(preset.steps) <= MAX_STEPS


def test_a_preset_has_another_port_with_tls() -> None:
    assert TalkServer(name="s", host="a", preset="imap", transport="tls").where == 993
    with pytest.raises(ValueError, match="needs a port"):
        TalkServer(name="s", host="a", preset="ssh", transport="tls")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": ""}, "needs either host or socket; write one of them"),
        ({"socket": Path("/s")}, "needs either host or socket; write one of them"),
        ({"host": "", "socket": Path("/s")}, "a socket has no port and no transport; remove"),
        ({"host": "a b"}, "'a b' is not a host; write an IP address or a name"),
        ({"port": None}, "needs a port; write for example port = 6379"),
        ({"port": 0}, "0 is not a port; write a number from 1 to 65535"),
        ({"expect": ""}, "needs one of preset, steps, or send and expect; write one of the three"),
        ({"preset": "ssh"}, "needs one of preset, steps, or send and expect; write one of the"),
        ({"preset": "x", "expect": ""}, "'x' is not a preset; write one of amqp, ftp, imap"),
        ({"expect": "("}, "is not a regular expression"),
        (
            {"expect": "", "send": "a"},
            "expects nothing; write expect, or take the check connection",
        ),
        ({"expect": "", "steps": (Step(expect="a"),) * 9}, "steps has 9 steps; write 8 at most"),
        ({"transport": "udp"}, "a server is silent by UDP until it is asked; write send in the"),
        ({"verify": False, "server_name": "a"}, "server_name, verify: of no use without TLS; "),
        ({"max_seconds": Limit.of(Duration(5))}, "max_seconds is not below timeout"),
        ({"name": ""}, "write what the server is called"),
    ],
)
def test_wrong_parameters_are_refused_with_a_remedy(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        at(**{"expect": "x", **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "is empty; write send, expect, or both"),
        (
            {"send": "a", "send_hex": "00"},
            "send and send_hex exclude each other; write one of them",
        ),
        ({"send_hex": "0"}, "'0' is not hexadecimal; write two digits for each byte: '00 ff'"),
        ({"expect": "["}, "is not a regular expression"),
    ],
)
def test_wrong_steps_are_refused_with_a_remedy(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Step(**settings)


def test_two_servers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="has s more than once"):
        Params((at(expect="x"), at(expect="y")))


def test_the_bound_is_what_the_manual_says() -> None:
    assert MAX_BYTES == 16 * 1024
