"""Records of DNS as texts that can be compared: those of a service file and those of an answer.

dnspython reads and writes them. Only the check `dns` imports it: 20 ms and 2.5 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.reversename

from checks._common.printable import shown

EXAMPLES: Mapping[str, str] = {
    "A": "127.0.0.1",
    "AAAA": "::1",
    "CNAME": "www.example.invalid.",
    "MX": "10 mail.example.invalid.",
    "NS": "ns.example.invalid.",
    "PTR": "host.example.invalid.",
    "SOA": "ns.example.invalid. admin.example.invalid. 7 3600 600 86400 60",
    "SRV": "0 5 5060 sip.example.invalid.",
    "TXT": "v=spf1 -all",
}
"""A record of each type that can be asked for, as a service file has it."""

TOO_MANY = 5
"""So many records are shown in a message at most."""


def domain(ask: str, kind: str) -> dns.name.Name:
    """Return the name that is asked for; raises `ValueError`. A PTR is asked by an address, too."""
    try:
        if kind == "PTR" and (":" in ask or ask.replace(".", "").isdecimal()):
            return dns.reversename.from_address(ask)
        name = dns.name.from_text(ask)
    except (dns.exception.DNSException, ValueError) as error:
        why = str(error).rstrip(".") or type(error).__name__
        raise ValueError(f"{ask[:100]!r} is not a name ({why}); {_remedy(kind)}") from None
    if name == dns.name.root and ask != ".":
        raise ValueError(f"{ask[:100]!r} is not a name; {_remedy(kind)}")
    return name


def _remedy(kind: str) -> str:
    address = ", or an address" if kind == "PTR" else ""
    return f"write for example 'example.invalid'{address}"


def canonical(text: str, kind: str) -> str:
    """Return a record of a service file as `text_of` would return it; raises `ValueError`.

    The text of a TXT record is what it says, without quotes.
    """
    if kind == "TXT":
        return text
    wrong = ValueError(
        f"{text[:100]!r} is not a record of the type {kind}; write for example {EXAMPLES[kind]!r}"
    )
    if not text.isprintable():  # what follows a line end would not be read
        raise wrong
    try:
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN, kind, text, origin=dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError):
        raise wrong from None
    return text_of(rdata, kind)


def text_of(rdata: dns.rdata.Rdata, kind: str) -> str:
    """Return a record as a text. Equal records have equal texts; case does not count in names."""
    if kind == "TXT":
        return b"".join(rdata.strings).decode(errors="surrogateescape")  # type: ignore[attr-defined]  # only Rdata in general is known
    return rdata.to_text().lower()


def listed(texts: Iterable[str]) -> str:
    """Return records for a message: sorted, and not too many of them."""
    texts = sorted(texts)
    some = ", ".join(shown(text, 100) for text in texts[:TOO_MANY])
    return f"{some} and {len(texts) - TOO_MANY} more" if len(texts) > TOO_MANY else some
