"""Asks web servers, and judges status, body, time and certificate of what they answer.

Coming from Monit: `check host … protocol http`; Icinga: `http`; Telegraf: `http_response`.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import httpx
import trio
from attrs import field, frozen

from checks._common.deadlines import rounded, within
from checks._common.printable import shown
from checks._common.validators import is_not_empty, unique
from checks._http import certificates
from checks._http.answer import Answer, faults
from checks._http.connection_errors import cause
from checks._http.request import CONNECT, UNANSWERED, UNASKED, ask
from checks._http.target import Target
from checks._http.tls import by_trust, trusting
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Measurement,
    Observation,
    StillHanging,
)

FAILED = "HTTP check failed"


_judging = trio.CapacityLimiter(1)
"""One at a time: a megabyte of JSON can become a hundred in memory."""


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

    async def examine_group(ca_file: Path | None, verify: bool, group: list[Target]) -> None:
        try:
            with trio.fail_at(latest):
                tls = await trusting(verify, ca_file)
        except (CheckFailed, StillHanging, trio.TooSlowError) as error:
            said = str(error) or f"reading {ca_file} takes too long"
            observed.update({target.name: [_failed(target, said)] for target in group})
            return
        async with trio.open_nursery() as nursery:
            for target in group:
                nursery.start_soon(examine, target, tls)

    async with trio.open_nursery() as nursery:
        for target in params.targets:
            if not target.may_use_tls:
                nursery.start_soon(examine, target, False)
        secure = [target for target in params.targets if target.may_use_tls]
        for (ca_file, verify), group in by_trust(secure).items():
            nursery.start_soon(examine_group, ca_file, verify, group)
    return [seen for target in params.targets for seen in observed[target.name]]


async def _examine(
    context: Context, target: Target, tls: ssl.SSLContext | bool, latest: float
) -> list[Observation]:
    started = trio.current_time()
    deadline = min(started + target.timeout, latest)
    time = deadline - started
    try:
        with trio.fail_at(deadline):
            answer = await ask(target, tls)
            wrong = await trio.to_thread.run_sync(
                partial(faults, target, answer), limiter=_judging, abandon_on_cancel=True
            )
    except trio.TooSlowError:
        return [_failed(target, f"no answer within {rounded(time)} s")]
    except httpx.ConnectTimeout:
        return [_failed(target, f"no connection within {rounded(CONNECT * time)} s")]
    except UNASKED as error:
        return [_failed(target, f"it cannot be asked: {error}")]
    except UNANSWERED as error:
        return [_failed(target, cause(error))]
    failed = [_failed(target, "; ".join(wrong))] if wrong else []
    return [*_speed(target, answer), *failed, *_expiry(context, target, answer.certificate)]


def _speed(target: Target, answer: Answer) -> Iterator[Observation]:
    labels = {"target": target.name}
    yield Measurement("http_seconds", round(answer.seconds, 4), "s", labels)
    yield Measurement("http_status", answer.status, labels=labels)
    if target.max_seconds is not None and answer.seconds > target.max_seconds:
        took = f"the answer took {answer.seconds:.2f} s, more than {target.max_seconds:g} s"
        yield Condition("HTTP slow", "W", target.name, f"{target.name} ({_place(target)}): {took}")


def _expiry(context: Context, target: Target, certificate: bytes) -> Iterator[Observation]:
    if not certificate:
        return
    try:
        expiry = certificates.of_der(certificate)
    except ValueError as error:
        yield _failed(target, f"its certificate cannot be read: {shown(str(error))}")
        return
    limits = target.warn_days, target.error_days
    yield from certificates.judge(target.name, expiry, context.now(), *limits)


def _failed(target: Target, why: str) -> Condition:
    message = f"{target.name} ({_place(target)}): {why}"
    return Condition(FAILED, target.event_type, target.name, message)


def _place(target: Target) -> str:
    return shown(target.place)
