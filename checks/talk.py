"""Talks with servers by TCP, TLS, UDP or a unix socket: sends, and judges what they answer.

Coming from Monit: `check host … send … expect`, `check host … protocol smtp`, `imap`, `pop`, `ftp`,
`ssh`, `redis`, `memcache`; Icinga: `smtp`, `ssmtp`, `imap`, `simap`, `pop`, `spop`, `ftp`, `ssh`,
`udp`; Telegraf: `net_response`.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable, Iterator
from functools import partial

import trio
from attrs import field, frozen

from checks._common.deadlines import rounded, within
from checks._common.gather import gather
from checks._common.limits import compared
from checks._common.printable import shown
from checks._common.validators import is_not_empty, unique
from checks._http.connection_errors import cause
from checks._http.tls import examine_with_tls
from checks._talk.conversation import Conversation, Unexpected
from checks._talk.server import TalkServer
from checks._talk.wires import connected
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Measurement,
    Observation,
    preformatted,
)


@frozen
class Params:
    """The servers; all are talked with at once."""

    servers: tuple[TalkServer, ...] = field(
        validator=[is_not_empty, unique(lambda server: server.name)],
        metadata={"help": "the servers, and what they must answer"},
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each server that does not answer as it must."""
    observed: dict[str, list[Observation]] = {}
    latest = trio.current_time() + within(math.inf)

    async def examine(server: TalkServer, tls: ssl.SSLContext | None) -> None:
        observed[server.name] = await _examine(server, tls, latest)

    def fail(server: TalkServer, why: str) -> None:
        observed[server.name] = [_failed(server, why)]

    secure = [server for server in params.servers if server.transport == "tls"]
    plain = [server for server in params.servers if server.transport != "tls"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gather, partial(examine, tls=None), plain)
        nursery.start_soon(examine_with_tls, secure, latest, examine, fail)
    return [seen for server in params.servers for seen in observed[server.name]]


async def _examine(
    server: TalkServer, tls: ssl.SSLContext | None, latest: float
) -> list[Observation]:
    started = trio.current_time()
    deadline = min(started + server.timeout, latest)
    conversation = Conversation(server.talk)
    try:
        with trio.fail_at(deadline):
            async with connected(server, tls) as wire:
                await conversation.hold(wire)
    except trio.TooSlowError:
        why = conversation.late(rounded(max(0.0, deadline - started)))
    except (Unexpected, CheckFailed) as error:
        why = conversation.failed(str(error))
    except (OSError, trio.BrokenResourceError) as error:  # an ssl.SSLError is an OSError
        why = conversation.failed(cause(error))
    else:
        return [*_speed(server, trio.current_time() - started)]
    return [_failed(server, why, conversation.text)]


def _speed(server: TalkServer, seconds: float) -> Iterator[Observation]:
    limits = () if server.max_seconds is None else server.max_seconds.numbers
    labels = {"server": server.name}
    yield Measurement("talk_seconds", round(seconds, 4), "s", labels, limits=limits)
    if server.max_seconds and (crossing := server.max_seconds.above(seconds, "W")):
        limit = compared(", more than", server.max_seconds, "{:g} s".format)
        message = f"{server}: the talk took {seconds:.2f} s{limit}"
        yield crossing.condition("Talk slow", server.name, message)


def _failed(server: TalkServer, why: str, heard: str = "") -> Condition:
    message = f"{shown(str(server))}: {why}"
    detail = preformatted(heard) if heard else ""
    return Condition("Talk failed", server.event_type, server.name, message, detail=detail)
