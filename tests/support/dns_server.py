"""A name server on loopback, by UDP and TCP, that answers as a test says."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import trio
from attrs import define, field

Respond = Callable[[dns.message.QueryMessage, str], list[bytes]]
"""Returns the datagrams that answer a question. The second argument is "udp" or "tcp"."""


def reply(
    question: dns.message.QueryMessage,
    *records: str,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    authority: tuple[str, ...] = (),
    flags: int = dns.flags.AA,
) -> dns.message.QueryMessage:
    """Return an answer with records such as "example.invalid. MX 10 mail.example.invalid."."""
    made = dns.message.make_response(question)
    made.set_rcode(rcode)
    made.flags |= flags
    for section, texts in ((made.answer, records), (made.authority, authority)):
        for text in texts:
            name, kind, data = text.split(maxsplit=2)
            section.append(dns.rrset.from_text(name, 60, "IN", kind, data))
    assert isinstance(made, dns.message.QueryMessage)
    return made


def says(*records: str, **settings: object) -> Respond:
    """Return what answers each question in the same way."""

    def respond(question: dns.message.QueryMessage, transport: str) -> list[bytes]:
        made = reply(question, *records, **settings)  # type: ignore[arg-type]  # passed on
        if transport == "udp":
            made.request_payload = 1232
        return [made.to_wire()]

    return respond


@define
class DnsServer:
    """Answers by `respond`, on one port of 127.0.0.1."""

    respond: Respond
    asked: list[str] = field(factory=list)
    """By which transport each question came."""

    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DnsServer]:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        with trio.socket.socket(type=trio.socket.SOCK_DGRAM) as sock:
            await sock.bind(("127.0.0.1", self.port))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve_udp, sock)
                await nursery.start(trio.serve_listeners, self._serve_tcp, [listener])
                yield self
                nursery.cancel_scope.cancel()

    async def _serve_udp(self, sock: trio.socket.SocketType) -> None:
        while True:
            wire, address = await sock.recvfrom(65535)
            for answer in self._answers(wire, "udp"):
                await sock.sendto(answer, address)

    async def _serve_tcp(self, stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(2)
            for answer in self._answers(bytes(await stream.receive_some(65535)), "tcp"):
                await stream.send_all(struct.pack(">H", len(answer)) + answer)

    def _answers(self, wire: bytes, transport: str) -> list[bytes]:
        self.asked.append(transport)
        question = dns.message.from_wire(wire)
        assert isinstance(question, dns.message.QueryMessage)
        return self.respond(question, transport)
