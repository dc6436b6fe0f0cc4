"""What is wrong with the answer of a name server. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from checks._common.patterns import compiled
from checks._common.printable import shown
from checks._dns.query import Query
from checks._dns.records import canonical, listed, text_of

MEANINGS = {
    dns.rcode.NXDOMAIN: "the name does not exist",
    dns.rcode.SERVFAIL: "it could not find the answer",
    dns.rcode.REFUSED: "it refuses to answer",
    dns.rcode.FORMERR: "it does not understand the question",
    dns.rcode.NOTIMP: "it cannot answer such questions",
}
"""What the response codes of a server mean."""


def records(query: Query, message: dns.message.QueryMessage) -> frozenset[str]:
    """Return the records that were asked for, in the form in which they are compared.

    Aliases are followed. Empty: there is none.
    """
    try:
        answer = message.resolve_chaining().answer
    except dns.exception.DNSException:  # aliases without an end, or no question
        return frozenset()
    return frozenset(text_of(rdata, query.type) for rdata in answer or ())


def problem(query: Query, message: dns.message.QueryMessage) -> str:
    """Return what is wrong with an answer. Empty: nothing."""
    return next(_problems(query, message), "")


def serial(message: dns.message.QueryMessage) -> int | None:
    """Return the serial number of the zone in an answer to a question for SOA."""
    for rrset in message.answer:
        for rdata in rrset:
            if rdata.rdtype == dns.rdatatype.SOA:
                return int(rdata.serial)
    return None


def _problems(query: Query, message: dns.message.QueryMessage) -> Iterator[str]:
    if (rcode := message.rcode()) != dns.rcode.NOERROR:
        code = dns.rcode.to_text(rcode)
        meaning = MEANINGS.get(rcode, "")
        yield (f"{meaning} ({code})" if meaning else f"it answers {code}") + _reason(message)
        return
    found = records(query, message)
    if not found:
        yield _referral(message) or f"the name has no record of the type {query.type}"
    if query.authoritative and not message.flags & dns.flags.AA:
        yield "it is not responsible for the zone (no AA flag)"
    if query.dnssec and not message.flags & dns.flags.AD:
        yield "it did not validate the answer by DNSSEC (no AD flag)"
    yield from _unexpected(query, found)


def _referral(message: dns.message.QueryMessage) -> str:
    """Return what a lame server is told: it is named as responsible, and knows of others only."""
    if message.flags & (dns.flags.AA | dns.flags.RA):
        return ""
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.NS:
            zone = shown(rrset.name.to_text(), 100)
            return f"it is lame: it does not have the zone, and refers to the servers of {zone}"
    return ""


def _unexpected(query: Query, found: frozenset[str]) -> Iterator[str]:
    expected = {canonical(text, query.type) for text in query.expect}
    if expected and found != expected:
        parts = []
        if missing := expected - found:
            parts.append(f"missing: {listed(missing)}")
        if others := found - expected:
            parts.append(f"not expected: {listed(others)}")
        yield f"the answer is wrong; {'; '.join(parts)}"
    any_of = {canonical(text, query.type) for text in query.expect_any}
    if any_of and not found & any_of:
        yield f"the answer is wrong; expected one of {listed(any_of)}; found {listed(found)}"
    if query.pattern:
        pattern = compiled(query.pattern)
        if not any(pattern.search(text.encode(errors="surrogateescape")) for text in found):
            wanted = shown(query.pattern, 100)
            yield f"the answer is wrong; no record matches {wanted!r}; found {listed(found)}"


def _reason(message: dns.message.QueryMessage) -> str:
    """Return what the server says of the error besides, RFC 8914."""
    said = []
    for option in message.extended_errors():
        code = dns.edns.EDECode.to_text(option.code).replace("_", " ").lower()
        said.append(f"{code}: {option.text}" if option.text else code)
    return f"; it says: {shown(', '.join(said), 200)}" if said else ""
