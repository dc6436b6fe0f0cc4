"""The `dns` check against name servers on loopback: right, wrong, silent and hostile."""

from __future__ import annotations

import itertools
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
import trio
from trio.testing import MockClock

from checks import dns as check
from checks._dns import servers
from checks._dns.query import Query
from checks.dns import Params
from supervisor.api import Condition, Duration, Limit, Measurement, Observation
from tests.support.addresses import resolve_to
from tests.support.check_context import context
from tests.support.dns_server import DnsServer, Respond, reply, says

NAME = "example.invalid"
MAIL = f"{NAME}. MX 10 mail.{NAME}."
LAME = (f"{NAME}. NS ns.elsewhere.invalid.",)


def query(server: DnsServer | None = None, **settings: Any) -> Query:
    given = {"name": "q", "ask": NAME, "type": "MX", "timeout": Duration(5)}
    if server is not None:
        given["servers"] = (server.place,)
    return Query(**{**given, **settings})


async def look(*queries: Query) -> list[Observation]:
    return list(await check.run(context(), Params(queries)))


def conditions(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


async def said(respond: Respond, **settings: Any) -> str:
    """Return what is wrong with an answer. Empty: nothing."""
    async with DnsServer(respond).running() as server:
        found = conditions(await look(query(server, **settings)))
    if not found:
        return ""
    (condition,) = found
    assert condition.alertname == "DNS check failed"
    assert condition.instance == "q"
    return condition.message.partition(f"at {server.place}: ")[2]


async def test_a_right_answer_is_measured() -> None:
    async with DnsServer(says(MAIL)).running() as server:
        (seen,) = await look(query(server, expect=(f"10 MAIL.{NAME}",)))

    assert isinstance(seen, Measurement)
    assert (seen.name, seen.unit) == ("dns_seconds", "s")
    assert seen.labels == {"query": "q", "server": server.place}
    assert server.asked == ["udp"]


async def test_a_wrong_answer_fires_and_resolves() -> None:
    async with DnsServer(says(MAIL)).running() as server:
        wanted, verdicts = query(server, expect=(f"10 mail.{NAME}.",)), []
        for data in ("10 mail", "20 mail", "10 mail"):
            server.respond = says(f"{NAME}. MX {data}.{NAME}.")
            verdicts.append([item.message for item in conditions(await look(wanted))])

    wrong = f"missing: 10 mail.{NAME}.; not expected: 20 mail.{NAME}."
    at = f"q ({NAME} MX): at {server.place}"
    assert verdicts == [[], [f"{at}: the answer is wrong; {wrong}"], []]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NXDOMAIN", "the name does not exist (NXDOMAIN)"),
        ("SERVFAIL", "it could not find the answer (SERVFAIL)"),
        ("REFUSED", "it refuses to answer (REFUSED)"),
        ("NOTIMP", "it cannot answer such questions (NOTIMP)"),
        ("NOTAUTH", "it answers NOTAUTH"),
    ],
)
async def test_each_code_of_an_error_is_said_as_itself(code: str, words: str) -> None:
    assert await said(says(rcode=dns.rcode.from_text(code))) == words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "the name has no record of the type MX"),
        (
            {"authority": LAME, "flags": 0},
            f"it is lame: it does not have the zone, and refers to the servers of {NAME}.",
        ),
        ({"authority": LAME, "flags": dns.flags.RA}, "the name has no record of the type MX"),
    ],
)
async def test_an_answer_without_records_is_told_from_a_referral(
    settings: dict[str, Any], words: str
) -> None:
    assert await said(says(**settings)) == words


async def test_what_the_server_says_of_an_error_is_told() -> None:
    def respond(question: dns.message.QueryMessage, _: str) -> list[bytes]:
        made = reply(question, rcode=dns.rcode.SERVFAIL)
        option = dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "no\nkey")
        made.use_edns(0, options=[option])
        return [made.to_wire()]

    words = "it could not find the answer (SERVFAIL); it says: dnssec bogus: no\\nkey"
    assert await said(respond) == words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"expect_any": ("10 mail.example.invalid.", "5 other.")}, ""),
        (
            {"expect_any": ("5 other.",)},
            "the answer is wrong; expected one of 5 other.; "
            "found 10 mail.example.invalid., 20 spare.example.invalid.",
        ),
        ({"pattern": r"^20 spare\."}, ""),
        (
            {"pattern": "^30 "},
            "the answer is wrong; no record matches '^30 '; "
            "found 10 mail.example.invalid., 20 spare.example.invalid.",
        ),
        (
            {"expect": ("10 mail.example.invalid.",)},
            "the answer is wrong; not expected: 20 spare.example.invalid.",
        ),
        ({"authoritative": True}, "it is not responsible for the zone (no AA flag)"),
        ({"dnssec": True}, "it did not validate the answer by DNSSEC (no AD flag)"),
    ],
)
async def test_what_is_expected_is_compared(settings: dict[str, Any], words: str) -> None:
    respond = says(MAIL, f"{NAME}. MX 20 spare.{NAME}.", flags=dns.flags.RA)

    assert await said(respond, **settings) == words


async def test_flags_that_are_wanted_are_right() -> None:
    both = dns.flags.AA | dns.flags.AD

    assert await said(says(MAIL, flags=both), dnssec=True, authoritative=True) == ""


async def test_the_server_is_asked_to_say_whether_it_validated() -> None:
    def respond(question: dns.message.QueryMessage, _: str) -> list[bytes]:
        return [reply(question, MAIL, flags=question.flags & dns.flags.AD).to_wire()]

    assert await said(respond, dnssec=True) == ""


@pytest.mark.parametrize(
    ("kind", "ask", "record", "expected"),
    [
        ("A", NAME, f"{NAME}. A 127.0.0.9", "127.0.0.9"),
        ("AAAA", NAME, f"{NAME}. AAAA ::1", "0:0::1"),
        ("TXT", NAME, f'{NAME}. TXT "v=spf1 " "-all"', "v=spf1 -all"),
        ("NS", NAME, f"{NAME}. NS ns.{NAME}.", "NS.example.invalid"),
        ("PTR", "127.0.0.9", "9.0.0.127.in-addr.arpa. PTR mail.invalid.", "mail.invalid."),
        ("CNAME", NAME, f"{NAME}. CNAME www.{NAME}.", f"www.{NAME}."),
        ("SRV", NAME, f"{NAME}. SRV 0 5 5060 sip.{NAME}.", f"0 5 5060 sip.{NAME}."),
        ("SOA", NAME, f"{NAME}. SOA ns. admin. 7 1 1 1 1", "ns. admin. 7 1 1 1 1"),
    ],
)
async def test_records_of_each_type_are_read(
    kind: str, ask: str, record: str, expected: str
) -> None:
    assert await said(says(record), type=kind, ask=ask, expect=(expected,)) == ""


async def test_an_alias_is_followed() -> None:
    alias, address = f"{NAME}. CNAME web.{NAME}.", f"web.{NAME}. A 127.0.0.9"

    assert await said(says(alias, address), type="A", expect=("127.0.0.9",)) == ""


async def test_aliases_without_an_end_are_no_answer() -> None:
    circle = (f"{NAME}. CNAME web.{NAME}.", f"web.{NAME}. CNAME {NAME}.")

    assert await said(says(*circle), type="A") == "the name has no record of the type A"


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


async def test_each_server_is_judged_though_others_are_silent() -> None:
    async with (
        DnsServer(says(MAIL)).running() as right,
        DnsServer(lambda *_: []).running() as silent,
        DnsServer(says(rcode=dns.rcode.REFUSED)).running() as refusing,
    ):
        places = tuple(each.place for each in (right, silent, refusing))
        seen = await look(query(servers=places, timeout=Duration(0.3)), query(right, name="other"))

    (failed,) = conditions(seen)
    assert failed.message == (
        f"q ({NAME} MX): at {silent.place}: no answer within 0.3 s; "
        f"at {refusing.place}: it refuses to answer (REFUSED)"
    )
    measured = [item.labels for item in seen if isinstance(item, Measurement)]
    assert {"query": "other", "server": right.place} in measured


async def test_the_time_of_the_module_ends_all_queries(autojump_clock: MockClock) -> None:
    async with DnsServer(lambda *_: []).running() as server:
        with trio.fail_after(30):
            (failed,) = conditions(await look(query(server, timeout=Duration(60))))

    assert failed.message.endswith("no answer within 29 s")


async def test_servers_that_fail_alike_are_told_together() -> None:
    with closed_port() as first, closed_port() as second:
        (failed,) = await look(query(servers=(first, second)))

    assert isinstance(failed, Condition)
    assert failed.message.endswith(f"at {first}, {second}: it cannot be asked: connection refused")


@contextmanager
def closed_port() -> Iterator[str]:
    """Hold a port on which no process receives: what comes there has another peer."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


async def test_all_addresses_of_a_server_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with DnsServer(says(MAIL)).running() as server:
        resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        seen = await look(query(servers=(f"ns.invalid:{server.port}",)))

    assert conditions(seen) == []


async def test_servers_with_different_serial_numbers_are_told() -> None:
    def zone(number: int) -> Respond:
        return says(f"{NAME}. SOA ns. admin. {number} 1 1 1 1")

    async with (
        DnsServer(zone(7)).running() as first,
        DnsServer(zone(7)).running() as second,
    ):
        wanted, verdicts = query(type="SOA", servers=(first.place, second.place)), []
        for number in (7, 6, 7):
            second.respond = zone(number)
            verdicts.append([(i.alertname, i.message) for i in conditions(await look(wanted))])

    words = f"7 at {first.place}; 6 at {second.place}"
    message = f"q ({NAME} SOA): the servers have different serial numbers: {words}"
    assert verdicts == [[], [("DNS serials differ", message)], []]


async def test_a_slow_answer_fires_by_its_limits() -> None:
    never, always = Duration(4), Duration(1e-9)
    limits = (Limit.of(never), Limit.of(always), Limit((("W", always / 2), ("E", always))))
    async with DnsServer(says(MAIL)).running() as server:
        found = [conditions(await look(query(server, max_seconds=each))) for each in limits]

    assert [[(i.alertname, i.event_type) for i in each] for each in found] == [
        [],
        [("DNS slow", "W")],
        [("DNS slow", "E")],
    ]
    assert found[1][0].message.startswith(f"q ({NAME} MX): {server.place} took 0.")


async def test_without_servers_those_of_the_host_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.77.53\n", encoding="ascii")
    monkeypatch.setattr(servers, "RESOLV_CONF", path)

    (failed,) = await look(query())

    assert isinstance(failed, Condition)
    assert (
        failed.message == f"q ({NAME} MX): at 127.0.77.53: it cannot be asked: connection refused"
    )


async def test_servers_of_the_host_that_cannot_be_read_fail_only_their_queries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(servers, "RESOLV_CONF", tmp_path)
    async with DnsServer(says(MAIL)).running() as server:
        seen = await look(query(name="usual"), query(server))

    (failed,) = conditions(seen)
    assert failed.message.startswith(f"usual ({NAME} MX): cannot read ")
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ask": ""}, "'' is not a name; write for example 'example.invalid'"),
        ({"ask": "a..b"}, "'a..b' is not a name (A DNS label is empty); write for example"),
        ({"ask": "1.2.3", "type": "PTR"}, "write for example 'example.invalid', or an address"),
        (
            {"expect": ("mail",)},
            "expect: 'mail' is not a record of the type MX; "
            "write for example '10 mail.example.invalid.'",
        ),
        ({"expect_any": ("1.2.3",), "type": "A"}, "expect_any: '1.2.3' is not a record of the"),
        (
            {"expect": ("5 a.",), "pattern": "x"},
            "expect and pattern exclude each other; write one of them",
        ),
        ({"pattern": "("}, "is not a regular expression"),
        ({"servers": ("127.0.0.1:0",)}, "'127.0.0.1:0' is not a name server; write for example"),
        ({"servers": ("::1", "[::1]:53")}, "has ::1 more than once; remove one"),
        ({"max_seconds": Limit.of(Duration(5))}, "max_seconds is not below timeout"),
        ({"name": " "}, "write what the query is called"),
    ],
)
def test_wrong_parameters_are_refused_with_a_remedy(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        query(**settings)


def test_two_queries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="has q more than once"):
        Params((query(), query(ask="other.invalid")))
