"""The parameters of one query: what is asked, whom, and what the answer must be."""

from __future__ import annotations

from typing import Literal

from attrs import Attribute, field, frozen

from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.patterns import compiled
from checks._common.validators import not_blank
from checks._dns.records import canonical, domain
from checks._dns.servers import Server, server
from supervisor.api import Duration, Limit, upper_limit


@frozen
class Query:
    """One question, and what each server must answer."""

    name: str = field(
        validator=not_blank("write what the query is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
    ask: str = field(
        metadata={
            "help": "the name that is asked for; for PTR also an address",
            "example": '"example.invalid"',
        }
    )
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = field(
        default="A", metadata={"help": "the type of the records"}
    )
    servers: tuple[str, ...] = field(
        default=(),
        metadata={"help": "whom to ask: '127.0.0.53', '[::1]:5353'; default: as /etc/resolv.conf"},
    )
    expect: tuple[str, ...] = field(
        default=(), metadata={"help": "the records: these, all of them and no others"}
    )
    expect_any: tuple[str, ...] = field(
        default=(), metadata={"help": "instead: at least one of these is among the records"}
    )
    pattern: str = field(
        default="",
        metadata={"help": "instead: a regular expression (RE2) that one of the records matches"},
    )
    dnssec: bool = field(
        default=False, metadata={"help": "true: the server must say that it validated the answer"}
    )
    authoritative: bool = field(
        default=False, metadata={"help": "true: the server must be responsible for the zone"}
    )
    max_seconds: Limit[Duration] | None = limit_field(
        upper_limit, "W when the slowest server takes longer"
    )
    timeout: Duration = timeout_field(5, "for each server")
    event_type: str = event_type_field("E", "when an answer is wrong or missing")

    @servers.validator
    def _are_servers(self, _: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
        found: set[Server] = set()
        for text in value:
            if (each := server(text)) in found:
                raise ValueError(f"has {each} more than once; remove one")
            found.add(each)

    @pattern.validator
    def _is_pattern(self, _: Attribute[str], value: str) -> None:
        if value:
            compiled(value)

    def __attrs_post_init__(self) -> None:
        domain(self.ask, self.type)
        given = [key for key in ("expect", "expect_any", "pattern") if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; write one of them")
        for key in ("expect", "expect_any"):
            for text in getattr(self, key):
                try:
                    canonical(text, self.type)
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None
        if self.max_seconds is not None and max(self.max_seconds.numbers) >= self.timeout:
            raise ValueError("max_seconds is not below timeout and never reached; lower it")

    def __str__(self) -> str:
        return f"{self.name} ({self.ask} {self.type})"
