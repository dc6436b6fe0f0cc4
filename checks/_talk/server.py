"""The parameters of one server: where it is, and the talk with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import Attribute, field, fields, frozen

from checks._common.addresses import host_port
from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.validators import Rule, is_host, is_port, not_blank
from checks._talk.presets import PRESETS
from checks._talk.steps import EXPECT_HELP, MAX_STEPS, SEND_HELP, Step, is_expectation
from supervisor.api import Duration, Limit, upper_limit

FOR_TLS = ("server_name", "ca_file", "verify", "strict")
"""Keys that are of use with TLS alone."""


def _is_preset(_params: object, _: Attribute[str], value: str) -> None:
    if value and value not in PRESETS:
        raise ValueError(f"{value[:50]!r} is not a preset; write one of {', '.join(PRESETS)}")


def _is_port_if_given(params: object, attribute: Attribute[int], value: int | None) -> None:
    if value is not None:
        is_port(params, attribute, value)


@frozen
class TalkServer:
    """One server, and what is said to it."""

    name: str = field(
        validator=not_blank("write what the server is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
    host: str = field(default="", metadata={"help": "an IPv4 or IPv6 address, or a name"})
    port: int | None = field(
        default=None,
        validator=Rule(_is_port_if_given, is_port.schema),
        metadata={"help": "its port; default: that of the preset"},
    )
    socket: Path | None = field(
        default=None, metadata={"help": "in place of host and port: the path of a unix socket"}
    )
    transport: Literal["tcp", "tls", "udp"] = field(
        default="tcp", metadata={"help": "'tls': TLS begins at once"}
    )
    preset: str = field(
        default="",
        validator=Rule(_is_preset, {"enum": ["", *PRESETS]}),
        metadata={"help": f"a talk that is known: {', '.join(PRESETS)}"},
    )
    send: str = field(default="", metadata={"help": SEND_HELP})
    expect: str = field(default="", validator=is_expectation, metadata={"help": EXPECT_HELP})
    steps: tuple[Step, ...] = field(
        default=(), metadata={"help": f"in place of send and expect: up to {MAX_STEPS} of them"}
    )
    server_name: str = field(
        default="", metadata={"help": "the name that must be in the certificate; default: host"}
    )
    ca_file: Path | None = field(
        default=None, metadata={"help": "who is trusted; default: the system's authorities"}
    )
    verify: bool = field(default=True, metadata={"help": "false: trust any certificate"})
    strict: bool = field(default=False, metadata={"help": "true: authorities must fit RFC 5280"})
    max_seconds: Limit[Duration] | None = limit_field(
        upper_limit, "W when the whole talk takes longer"
    )
    timeout: Duration = timeout_field(5, "for all of it")
    event_type: str = event_type_field("E", "when it fails")

    @host.validator
    def _is_host(self, attribute: Attribute[str], value: str) -> None:
        if value:
            is_host(self, attribute, value)

    def __attrs_post_init__(self) -> None:
        if problem := next(self._problems(), ""):
            raise ValueError(problem)

    def _problems(self) -> Iterator[str]:
        yield from self._problems_of_the_place()
        yield from self._problems_of_the_talk()
        if self.transport != "tls" and (useless := list(self._given_for_tls())):
            remedy = "remove it, or write transport = 'tls'"
            yield f"{', '.join(useless)}: of no use without TLS; {remedy}"
        if self.max_seconds is not None and max(self.max_seconds.numbers) >= self.timeout:
            yield "max_seconds is not below timeout and never reached; lower it"

    def _problems_of_the_place(self) -> Iterator[str]:
        if bool(self.host) == (self.socket is not None):
            yield "needs either host or socket; write one of them"
        if self.socket is not None and (self.port is not None or self.transport != "tcp"):
            yield "a socket has no port and no transport; remove these keys, or write host"
        if self.host and self.port is None and not self.where:
            yield "needs a port; write for example port = 6379"

    def _problems_of_the_talk(self) -> Iterator[str]:
        told = [bool(self.preset), bool(self.steps), bool(self.send or self.expect)]
        if told.count(True) != 1:
            yield "needs one of preset, steps, or send and expect; write one of the three"
        if len(self.steps) > MAX_STEPS:
            yield f"steps has {len(self.steps)} steps; write {MAX_STEPS} at most"
        if not any(step.expect for step in self.talk):
            yield "expects nothing; write expect, or take the check connection"
        if self.transport == "udp" and not self.talk[0].payload:
            yield "a server is silent by UDP until it is asked; write send in the first step"

    def _given_for_tls(self) -> Iterator[str]:
        for key in FOR_TLS:
            if getattr(self, key) != getattr(fields(TalkServer), key).default:
                yield key

    @property
    def talk(self) -> tuple[Step, ...]:
        """The steps, wherever they are from."""
        if self.preset:
            return PRESETS[self.preset].steps
        return self.steps or (Step(send=self.send, expect=self.expect),)

    @property
    def where(self) -> int:
        """Its port. 0: it is not known."""
        if self.port is not None:
            return self.port
        if self.preset:
            preset = PRESETS[self.preset]
            return (preset.tls_port if self.transport == "tls" else preset.port) or 0
        return 0

    def __str__(self) -> str:
        place = self.socket or host_port(self.host, self.where)
        return f"{self.name} ({place})"
