"""Asks name servers, and judges what each of them answers, and how fast.

Coming from Monit: `check host … protocol dns`; Icinga: `dns`, `dig`; Telegraf: `dns_query`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

import trio
from attrs import field, frozen

from checks._common.deadlines import rounded, within
from checks._common.gather import gather
from checks._common.limits import compared
from checks._common.validators import is_not_empty, unique
from checks._dns.exchange import Answer, NotDns, ask
from checks._dns.query import Query
from checks._dns.servers import RESOLV_CONF, Server, server, system_servers
from checks._dns.verdict import problem, serial
from supervisor.api import CheckFailed, Condition, Context, Measurement, Observation


@frozen
class Params:
    """The queries; all are asked at once, and each of all its servers."""

    queries: tuple[Query, ...] = field(
        validator=[is_not_empty, unique(lambda query: query.name)],
        metadata={"help": "what to ask, and what must be answered"},
    )


@frozen
class Reply:
    """What came of asking one server."""

    server: Server
    answer: Answer | None
    """None: nothing that can be judged."""

    problem: str
    """Empty: the answer is right."""


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each query that is not answered as it must be."""
    latest = trio.current_time() + within(math.inf)
    usual: tuple[Server, ...] | str = ()
    if not all(query.servers for query in params.queries):
        usual = await _usual_servers(latest)
    found = await gather(partial(_examine, usual=usual, latest=latest), params.queries)
    return [*chain.from_iterable(found)]


async def _usual_servers(latest: float) -> tuple[Server, ...] | str:
    """Return the servers of this host, or why they are not known."""
    try:
        with trio.fail_at(latest):
            return await system_servers()
    except trio.TooSlowError:
        return f"reading {RESOLV_CONF} takes too long"
    except CheckFailed as error:
        return str(error)
    except OSError as error:
        return f"cannot read {RESOLV_CONF}: {error.strerror or error}"


async def _examine(
    query: Query, usual: tuple[Server, ...] | str, latest: float
) -> list[Observation]:
    servers = tuple(map(server, query.servers)) or usual
    if isinstance(servers, str):
        return [_failed(query, servers)]
    replies = await gather(partial(_reply, query, latest=latest), servers)
    seen: list[Observation] = [*_speed(query, replies)]
    causes: dict[str, list[str]] = {}
    for reply in replies:
        if reply.problem:
            causes.setdefault(reply.problem, []).append(str(reply.server))
    if causes:
        words = (f"at {', '.join(at)}: {cause}" for cause, at in causes.items())
        seen.append(_failed(query, "; ".join(words)))
    return [*seen, *_serials(query, replies)]


async def _reply(query: Query, server: Server, latest: float) -> Reply:
    started = trio.current_time()
    seconds = max(0.0, min(query.timeout, latest - started))
    try:
        answer = await ask(query, server, seconds)
    except trio.TooSlowError:
        return Reply(server, None, f"no answer within {rounded(seconds)} s")
    except (NotDns, CheckFailed) as error:
        return Reply(server, None, str(error))
    except OSError as error:
        return Reply(server, None, _words(error))
    return Reply(server, answer, problem(query, answer.message))


def _speed(query: Query, replies: Iterable[Reply]) -> Iterator[Observation]:
    limits = () if query.max_seconds is None else query.max_seconds.numbers
    slowest, longest = "", -1.0
    for reply in replies:
        if reply.answer is None:
            continue
        seconds = reply.answer.seconds
        labels = {"query": query.name, "server": str(reply.server)}
        yield Measurement("dns_seconds", round(seconds, 4), "s", labels, limits=limits)
        if seconds > longest:
            slowest, longest = str(reply.server), seconds
    if query.max_seconds and (crossing := query.max_seconds.above(longest, "W")):
        limit = compared(", more than", query.max_seconds, "{:g} s".format)
        message = f"{query}: {slowest} took {longest:.2f} s{limit}"
        yield crossing.condition("DNS slow", query.name, message)


def _serials(query: Query, replies: Iterable[Reply]) -> Iterator[Condition]:
    """Yield a condition when servers have different versions of one zone."""
    if query.type != "SOA":
        return
    servers: dict[int, list[str]] = {}
    for reply in replies:
        if reply.answer and (number := serial(reply.answer.message)) is not None:
            servers.setdefault(number, []).append(str(reply.server))
    if len(servers) > 1:
        words = (f"{number} at {', '.join(at)}" for number, at in servers.items())
        message = f"{query}: the servers have different serial numbers: {'; '.join(words)}"
        yield Condition("DNS serials differ", query.event_type, query.name, message)


def _failed(query: Query, why: str) -> Condition:
    return Condition("DNS check failed", query.event_type, query.name, f"{query}: {why}")


def _words(error: OSError) -> str:
    # trio writes its own words into strerror. The numbers of a resolver are below 0.
    known = error.errno is not None and error.errno > 0
    text = os.strerror(error.errno or 0) if known else error.strerror or str(error)
    return f"it cannot be asked: {text[:1].lower()}{text[1:]}"
