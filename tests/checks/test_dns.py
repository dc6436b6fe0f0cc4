"""The `dns` check against name servers on loopback: which answers are right."""

from __future__ import annotations

from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from supervisor.api import Duration, Limit, Measurement
from tests.checks.dns_bench import MAIL, NAME, conditions, look, query, said
from tests.support.dns_server import DnsServer, reply, says

LAME = (f"{NAME}. NS ns.elsewhere.invalid.",)


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
