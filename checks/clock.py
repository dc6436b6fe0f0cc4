"""Compares the clock with NTP servers, and asks the kernel whether it is synchronised.

Coming from Icinga: `ntp_time`, `ntp_peer`; Telegraf: `ntpq`, `chrony`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import trio
from attrs import field, frozen

from checks._common.addresses import host_port
from checks._common.deadlines import rounded, timeout_field, within
from checks._common.durations import span
from checks._common.event_types import event_type_field
from checks._common.validators import is_host, is_port, unique
from checks._kernel import clock as kernel_clock
from checks._ntp import packet, query
from checks._ntp.packet import NoTime, Reading
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Crossing,
    Duration,
    Json,
    Limit,
    Measurement,
    Observation,
    upper_limit,
)

OFFSET = "Clock offset"
"""The alert name of a clock that is wrong."""

ERROR_OFFSET = Duration(10)
"""Seconds by which a clock is off that is an error, unless the service file says otherwise."""


@frozen
class TimeServer:
    """One NTP server."""

    host: str = field(validator=is_host, metadata={"help": "an IPv4 or IPv6 address, or a name"})
    port: int = field(default=packet.PORT, validator=is_port, metadata={"help": "its UDP port"})
    event_type: str = event_type_field("W", "when it is silent")

    @property
    def instance(self) -> str:
        """Its name in alerts."""
        if self.port == packet.PORT:
            return self.host
        return host_port(self.host, self.port)


@frozen
class Params:
    """Which servers are asked for the time, and how far the clock may be from it."""

    servers: tuple[TimeServer, ...] = field(
        default=(),
        validator=unique(lambda server: server.instance, remedy="remove one"),
        metadata={
            "help": "the NTP servers; all are asked at once",
            "named_by": ("host", "port"),
        },
    )
    max_offset: Limit[Duration] = field(
        default=Limit.of(Duration(0.5)),
        validator=upper_limit,
        metadata={"help": "W when the clock is surely off by more"},
    )
    error_offset: Duration = field(
        default=ERROR_OFFSET,
        metadata={"help": "E when the clock is surely off by more; not beside a table"},
    )
    timeout: Duration = timeout_field(5, "for each server")
    synchronised: bool = field(
        default=True,
        metadata={"help": "W when the kernel says that nothing keeps the clock right"},
    )

    def __attrs_post_init__(self) -> None:
        if not self.max_offset.is_plain and self.error_offset != ERROR_OFFSET:
            raise ValueError(
                "error_offset is of no use beside a table; "
                "write max_offset = { W = …, E = … } alone"
            )
        if self.max_offset.is_plain and self.max_offset.numbers[0] > self.error_offset:
            raise ValueError(
                "max_offset must be between 0 and error_offset; write for example "
                "max_offset = 0.5 and error_offset = '10s'"
            )
        if not self.servers and not self.synchronised:
            raise ValueError("there is nothing to look at; name servers")

    @property
    def limit(self) -> Limit[Duration]:
        """By how much the clock may be off."""
        if not self.max_offset.is_plain:
            return self.max_offset
        (warning,) = self.max_offset.numbers
        levels = (("W", warning), ("E", self.error_offset))
        return Limit(levels if warning < self.error_offset else levels[1:])


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what is wrong with the clock, and which servers do not answer."""
    found: dict[TimeServer, Reading | str] = {}
    seconds = within(params.timeout)

    async def ask(server: TimeServer) -> None:
        found[server] = await _ask(server, context, seconds)

    kernel = list(_kernel()) if params.synchronised else []
    async with trio.open_nursery() as nursery:
        for server in params.servers:
            nursery.start_soon(ask, server)
    readings = {server: seen for server, seen in found.items() if isinstance(seen, Reading)}
    silent = [
        Condition("NTP server not answering", server.event_type, server.instance, cause)
        for server in params.servers
        if isinstance(cause := found[server], str)
    ]
    return [*kernel, *_measured(params, readings), *silent, *_offset(context, params, readings)]


async def _ask(server: TimeServer, context: Context, seconds: float) -> Reading | str:
    """Return what the server says, or why it does not say anything."""
    name = server.instance
    try:
        return await query.ask(server.host, server.port, context.clock, seconds)
    except trio.TooSlowError:
        return f"{name} gives no answer within {rounded(seconds)} s"
    except (NoTime, CheckFailed) as error:
        return f"{name}: {error}"
    except OSError as error:
        return f"{name} cannot be asked: {error.strerror or error}"


def _kernel() -> Iterator[Observation]:
    try:
        clock = kernel_clock.read()
    except OSError as error:
        remedy = "write synchronised = false where the kernel does not let us ask"
        raise CheckFailed(f"cannot ask the kernel: {error.strerror}; {remedy}") from error
    yield Measurement("clock_synchronised", float(clock.synchronised))
    yield Measurement("clock_max_error_seconds", clock.max_error, "s")
    if not clock.synchronised:
        limit = f"{kernel_clock.MAX_ERROR_LIMIT:.0f} s"
        why = f"nothing has kept its maximum error below {limit}"
        message = f"the kernel says that the clock is not synchronised: {why}"
        yield Condition("Clock not synchronised", "W", "", message)


def _measured(params: Params, readings: Mapping[TimeServer, Reading]) -> Iterator[Measurement]:
    limits = tuple(sign * number for number in params.limit.numbers for sign in (1, -1))
    for server, seen in readings.items():
        labels = {"server": server.instance}
        yield Measurement("clock_offset_seconds", round(seen.offset, 6), "s", labels, limits=limits)
        yield Measurement("ntp_round_trip_seconds", round(seen.round_trip, 6), "s", labels)
        yield Measurement("ntp_stratum", seen.stratum, labels=labels)


def _offset(
    context: Context, params: Params, readings: Mapping[TimeServer, Reading]
) -> Iterator[Condition]:
    """Yield a condition when more than half of the servers that answer say that it is wrong.

    It holds until one of them answers again.
    """
    if params.servers and not readings:
        yield from _last_said(context.state.get("offset"))
        return
    context.state.clear()
    ranked = sorted(readings.items(), key=lambda item: _surely(item[1]))
    if not ranked:
        return
    server, seen = ranked[(len(ranked) - 1) // 2]
    if crossing := params.limit.above(_surely(seen), "W"):
        message = _message(params, server, seen, crossing)
        condition = crossing.condition(OFFSET, "", message)
        context.state["offset"] = [
            condition.event_type,
            condition.message,
            condition.sustain,
            list(condition.keeps),
        ]
        yield condition


def _last_said(kept: Json) -> Iterator[Condition]:
    match kept:
        case [str(event_type), str(message)]:  # before there were limits with a band
            yield Condition(OFFSET, event_type, "", message)
        case [str(event_type), str(message), bool(sustain), [*keeps]]:
            crossing = Crossing(event_type, sustain, tuple(map(str, keeps)))
            yield crossing.condition(OFFSET, "", message)


def _surely(seen: Reading) -> float:
    """Return by how much the clock is off at least, in spite of the uncertainty."""
    return abs(seen.offset) - seen.uncertainty


def _message(params: Params, server: TimeServer, seen: Reading, crossing: Crossing) -> str:
    # Two digits, so that the message seldom changes: each change is sent again.
    off = abs(seen.offset)
    words = span(round(off)) if off >= 100 else f"{off:.2g} s"
    is_table = not params.max_offset.is_plain
    passed = dict(params.limit.levels)[crossing.event_type]
    limit = params.limit.words(span) if is_table else span(passed)
    where = "behind" if seen.offset > 0 else "ahead"
    return f"the clock is {words} {where} of what {server.instance} says (limit {limit})"
