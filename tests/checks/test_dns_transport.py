"""How the `dns` check asks: datagrams that are lost or forged, and TCP."""

from __future__ import annotations

import itertools
import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode

from supervisor.api import Duration
from tests.checks.dns_bench import MAIL, NAME, conditions, look, query, said
from tests.support.dns_server import DnsServer, Respond, reply


def by_tcp(*answers: bytes) -> Respond:
    """Return what refers to TCP, and there gives these answers, or else a thousand records."""

    def respond(question: dns.message.QueryMessage, transport: str) -> list[bytes]:
        if transport == "udp":
            return [reply(question, flags=dns.flags.TC).to_wire()]
        many = (f"{NAME}. A 127.1.{n // 250}.{n % 250}" for n in range(1000))
        return list(answers) or [reply(question, *many).to_wire(max_size=65535)]

    return respond


async def test_what_does_not_fit_into_a_datagram_is_asked_by_tcp() -> None:
    async with DnsServer(by_tcp()).running() as server:
        seen = await look(query(server, type="A", expect_any=("127.1.3.249",)))

    assert conditions(seen) == []
    assert server.asked == ["udp", "tcp"]


async def test_an_answer_that_is_truncated_also_in_tcp_is_none() -> None:
    def respond(question: dns.message.QueryMessage, _: str) -> list[bytes]:
        return [reply(question, flags=dns.flags.TC).to_wire()]

    assert await said(respond) == "its answer does not fit into TCP, either"


async def test_garbage_by_tcp_is_said() -> None:
    words = "its answer is not a message of DNS (ShortHeader)"
    assert await said(by_tcp(b"\xff" * 11)) == words


async def test_a_connection_that_is_closed_too_early_is_said() -> None:
    async with DnsServer(by_tcp()).running() as server:
        server.respond = lambda question, transport: (
            by_tcp()(question, transport) if transport == "udp" else []
        )
        (failed,) = conditions(await look(query(server)))

    assert failed.message.endswith("it closes the connection before the answer is there")


async def test_a_question_that_is_lost_is_asked_again() -> None:
    turns = itertools.count()

    def respond(question: dns.message.QueryMessage, _: str) -> list[bytes]:
        return [reply(question, MAIL).to_wire()] if next(turns) else []

    assert await said(respond, timeout=Duration(1)) == ""
    assert next(turns) == 2


async def test_forged_answers_do_not_hide_the_right_one() -> None:
    def respond(question: dns.message.QueryMessage, _: str) -> list[bytes]:
        right = reply(question, MAIL).to_wire()
        wrong = reply(question, rcode=dns.rcode.NXDOMAIN).to_wire()
        guessed = bytes([wrong[0] ^ 1]) + wrong[1:]
        other = dns.message.make_query("other.invalid", "MX", id=question.id)
        refused = reply(other, rcode=dns.rcode.NXDOMAIN).to_wire()
        return [b"", b"\0", guessed, refused, right]

    assert await said(respond) == ""


async def test_a_big_answer_that_takes_long_to_read_holds_up_no_other_task() -> None:
    """`no_step_blocks` fails it otherwise."""

    def respond(question: dns.message.QueryMessage, transport: str) -> list[bytes]:
        if transport == "udp":
            return [reply(question, flags=dns.flags.TC).to_wire()]
        head = reply(question).to_wire()[: len(question.question[0].name.to_wire() or b"") + 16]
        long = b"\x01a" * 126 + b"\0"  # the longest name, and thousands of pointers to it
        first = long + struct.pack(">HHIH", 1, 1, 60, 4)
        pointer = struct.pack(">HHHIH", 0xC000 | len(head), 1, 1, 60, 4)
        records = (pointer + struct.pack(">I", number) for number in range(2000))
        body = head[:6] + struct.pack(">HHH", 2001, 0, 0) + head[12:] + first + b"\x7f\0\0\1"
        return [body + b"".join(records)]

    words = "the name has no record of the type MX"
    assert await said(respond, timeout=Duration(60)) == words


async def test_a_server_that_does_not_speak_dns_is_not_called_silent() -> None:
    words = "it answers, but not in DNS"
    assert await said(lambda *_: [b"HTTP/1.1 400 Bad Request"], timeout=Duration(0.2)) == words
