"""Asks web servers, and judges status, body, time and certificate of what they answer.

Coming from Monit: `check host … protocol http`; Icinga: `http`; Telegraf: `http_response`.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import httpx
import trio
from attrs import field, frozen

from checks._common.deadlines import rounded, within
from checks._common.limits import compared
from checks._common.printable import shown
from checks._common.validators import is_not_empty, unique
from checks._http import certificates
from checks._http.answer import HttpAnswer, problems
from checks._http.connection_errors import cause
from checks._http.request import ANSWER_ERRORS, CONNECT_SHARE, SETUP_ERRORS, ask
from checks._http.target import Target
from checks._http.tls import examine_with_tls
from supervisor.api import (
    Condition,
    Context,
    Measurement,
    Observation,
)

_judging = trio.CapacityLimiter(1)
"""Judges one body at a time: a megabyte of JSON can take a hundred megabytes of memory."""


@frozen
class Params:
    """The targets; all are asked at once."""

    targets: tuple[Target, ...] = field(
        validator=[is_not_empty, unique(lambda target: target.name)],
        metadata={"help": "the URLs and what they must answer"},
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each target that does not answer as it must."""
    observed: dict[str, list[Observation]] = {}
    latest = trio.current_time() + within(math.inf)

    async def examine(target: Target, tls: ssl.SSLContext | bool) -> None:
        observed[target.name] = await _examine(context, target, tls, latest)

    def fail(target: Target, why: str) -> None:
        observed[target.name] = [_failed(target, why)]

    async with trio.open_nursery() as nursery:
        for target in params.targets:
            if not target.may_use_tls:
                nursery.start_soon(examine, target, False)
        secure = [target for target in params.targets if target.may_use_tls]
        nursery.start_soon(examine_with_tls, secure, latest, examine, fail)
    return [seen for target in params.targets for seen in observed[target.name]]


async def _examine(
    context: Context, target: Target, tls: ssl.SSLContext | bool, latest: float
) -> list[Observation]:
    started = trio.current_time()
    deadline = min(started + target.timeout, latest)
    seconds = deadline - started
    try:
        with trio.fail_at(deadline):
            answer = await ask(target, tls)
            wrong = await trio.to_thread.run_sync(
                partial(problems, target, answer), limiter=_judging, abandon_on_cancel=True
            )
    except trio.TooSlowError:
        return [_failed(target, f"no answer within {rounded(seconds)} s")]
    except httpx.ConnectTimeout:
        return [_failed(target, f"no connection within {rounded(CONNECT_SHARE * seconds)} s")]
    except SETUP_ERRORS as error:
        return [_failed(target, f"it cannot be asked: {error}")]
    except ANSWER_ERRORS as error:
        return [_failed(target, cause(error))]
    failed = [_failed(target, "; ".join(wrong))] if wrong else []
    return [*_speed(target, answer), *failed, *_expiry(context, target, answer.certificates)]


def _speed(target: Target, answer: HttpAnswer) -> Iterator[Observation]:
    labels = {"target": target.name}
    limits = () if target.max_seconds is None else target.max_seconds.numbers
    yield Measurement("http_seconds", round(answer.seconds, 4), "s", labels, limits=limits)
    yield Measurement("http_status", answer.status, labels=labels)
    if target.max_seconds and (crossing := target.max_seconds.above(answer.seconds, "W")):
        limit = compared(", more than", target.max_seconds, "{:g} s".format)
        took = f"the answer took {answer.seconds:.2f} s{limit}"
        message = f"{target.name} ({_place(target)}): {took}"
        yield crossing.condition("HTTP slow", target.name, message)


def _expiry(
    context: Context, target: Target, shown_chain: Sequence[bytes]
) -> Iterator[Observation]:
    if not shown_chain:
        return
    try:
        chain = certificates.of_chain(shown_chain)
    except ValueError as error:
        yield _failed(target, f"its certificate cannot be read: {shown(str(error))}")
        return
    limit = certificates.limit_of(target)
    yield from certificates.judge(target.name, chain, context.now(), limit)


def _failed(target: Target, why: str) -> Condition:
    message = f"{target.name} ({_place(target)}): {why}"
    return Condition("HTTP check failed", target.event_type, target.name, message)


def _place(target: Target) -> str:
    return shown(target.place)
