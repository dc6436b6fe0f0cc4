"""Asks Alertmanagers themselves: what they could not notify or dropped, and whether they are well.

Coming from Telegraf: `prometheus`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

import trio
from attrs import Attribute, field, frozen

from checks._common.deadlines import rounded, timeout_field, within
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.validators import count_of
from checks._http import alertmanager_health
from checks._http.alertmanager_health import Cluster, Health, Increase
from checks._http.answer import problems
from checks._http.connection_errors import cause
from checks._http.request import ANSWER_ERRORS, SETUP_ERRORS, ask
from checks._http.target import Target
from checks._http.tls import load_context
from supervisor.api import (
    Condition,
    Context,
    Duration,
    Measurement,
    Observation,
    Secret,
)

_STATUS, _METRICS = "/api/v2/status", "/metrics"
_NEEDED = {_STATUS: '"cluster"', _METRICS: "alertmanager_"}
"""Texts that the answers must contain."""

_ENDPOINT = re.compile(r"/(api/v[0-9]+(/[a-z]+)?|metrics|-/[a-z]+)/?$")
"""A path within Alertmanager, at the end of a URL that should lead to Alertmanager itself."""

_reading = trio.CapacityLimiter(1)
"""Reads one answer at a time: a megabyte of JSON can take a hundred megabytes of memory."""


@frozen
class Params:
    """Which Alertmanagers are asked, and how."""

    past_events: ClassVar[frozenset[str]] = frozenset({"Alerts dropped", "Notifications failed"})
    """Alerts that are held until an Alertmanager has notified of them."""

    urls: tuple[str, ...] = field(
        metadata={"help": "each peer, as in [alertmanager]; a path prefix is kept"}
    )
    members: int | None = field(
        default=None,
        validator=count_of("members"),
        metadata={"help": "W when a peer sees fewer; default: as many as urls, 0: never"},
    )
    username: str = field(default="", metadata={"help": "with password: basic authentication"})
    password: Secret | None = field(default=None, metadata={"help": "of username"})
    bearer_token: Secret | None = field(default=None, metadata={"help": "instead of a password"})
    verify: bool = field(default=True, metadata={"help": "false: trust any certificate"})
    ca_file: Path | None = field(
        default=None, metadata={"help": "who is trusted; default: the system's authorities"}
    )
    strict: bool = field(default=False, metadata={"help": "true: authorities must fit RFC 5280"})
    timeout: Duration = timeout_field(10, "for each peer")

    @urls.validator
    def _differ(self, _: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
        if not value:
            raise ValueError("is empty; write for example ['http://127.0.0.1:9093']")
        first: dict[object, str] = {}
        for url in value:
            Target(name=url, url=url)  # raises what is wrong with it
            parts = urlsplit(url)
            if parts.query or parts.fragment or url.endswith(("?", "#")):
                raise ValueError("has a query or a fragment; write the URL up to the path only")
            if found := _ENDPOINT.search(parts.path):
                raise ValueError(
                    f"{url} ends in {found[0]}, which is added to it; write it without that"
                )
            peer = parts.scheme, parts.hostname, _port(parts), parts.path.rstrip("/")
            if peer in first:
                raise ValueError(f"{url} is the same peer as {first[peer]}; list each peer once")
            first[peer] = url

    def __attrs_post_init__(self) -> None:
        self.target(self.urls[0], _METRICS)  # raises what is wrong with the login

    @property
    def expected(self) -> int:
        """How many members each peer must see. A single peer need not see any."""
        if self.members is not None:
            return self.members
        return len(self.urls) if len(self.urls) > 1 else 0

    def target(self, url: str, path: str) -> Target:
        """Return the request for a path of a peer; raises `ValueError`."""
        return Target(
            name=url,
            url=url.rstrip("/") + path,
            contains=_NEEDED.get(path, ""),
            username=self.username,
            password=self.password,
            bearer_token=self.bearer_token,
            verify=self.verify,
            ca_file=self.ca_file,
            strict=self.strict,
            timeout=self.timeout,
        )


def _port(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "https": 443}[parts.scheme]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what is wrong with each peer. The counts of each stay in the state."""
    found: dict[str, tuple[Health, Cluster] | str] = {}
    seconds = within(params.timeout)

    async def look(url: str) -> None:
        found[url] = await _look(url, params, seconds)

    async with trio.open_nursery() as nursery:
        for url in params.urls:
            nursery.start_soon(look, url)
    before = dict(context.state)
    context.state.clear()
    observed: list[Observation] = []
    for url in params.urls:
        seen = found[url]
        if isinstance(seen, str):
            observed.append(Condition("Alertmanager not answering", "E", url, f"{url}: {seen}"))
            if url in before:  # the next answer is compared with it
                context.state[url] = before[url]
            continue
        health, cluster = seen
        grown = alertmanager_health.increase(
            alertmanager_health.from_state(before.get(url)), health
        )
        context.state[url] = alertmanager_health.to_state(health)
        observed += [*_measured(url, grown, cluster), *_conditions(url, params, *seen, grown)]
    return observed


async def _look(url: str, params: Params, seconds: float) -> tuple[Health, Cluster] | str:
    """Return the health of a peer, or why it is not known."""
    try:
        with trio.fail_after(seconds):
            tls: ssl.SSLContext | bool = False
            if params.target(url, "/").may_use_tls:
                tls = await load_context(params)
            status = await _body(params.target(url, _STATUS), tls)
            metrics = await _body(params.target(url, _METRICS), tls)
            read = partial(_read, status, metrics)
            return await trio.to_thread.run_sync(read, limiter=_reading, abandon_on_cancel=True)
    except trio.TooSlowError:
        return f"no answer within {rounded(seconds)} s"
    except SETUP_ERRORS as error:
        return f"it cannot be asked: {error}"
    except ANSWER_ERRORS as error:
        return cause(error)
    except ValueError as error:
        return str(error)


async def _body(target: Target, tls: ssl.SSLContext | bool) -> bytes:
    answer = await ask(target, tls)
    if wrong := problems(target, answer):
        path = target.url.removeprefix(target.name.rstrip("/"))
        raise ValueError(f"{path}: {'; '.join(wrong)}")
    return answer.body


def _read(status: bytes, metrics: bytes) -> tuple[Health, Cluster]:
    return (
        alertmanager_health.read_metrics(metrics.decode("utf-8-sig", errors="replace")),
        alertmanager_health.read_status(status),
    )


def _measured(url: str, grown: Increase, cluster: Cluster) -> Iterator[Measurement]:
    labels = {"peer": url}
    sent, failed = (sum(each.values()) for each in (grown.notifications, grown.failed))
    yield Measurement("alertmanager_notifications", sent, labels=labels)
    yield Measurement("alertmanager_failed_notifications", failed, labels=labels)
    yield Measurement("alertmanager_dropped_alerts", sum(grown.dropped.values()), labels=labels)
    yield Measurement("alertmanager_members", len(cluster.members), labels=labels)


def _conditions(
    url: str, params: Params, health: Health, cluster: Cluster, grown: Increase
) -> Iterator[Condition]:
    for integration, count in grown.failed.items():
        what = counted(round(count), "failed notification")
        yield _failing(url, "E", integration, what)
    for integration, count in grown.attempts_failed.items():
        if integration not in grown.failed:  # nothing is given up yet
            what = counted(round(count), "failed attempt")
            yield _failing(url, "W", integration, what)
    if grown.dropped:
        reasons = [f"{round(count)} {why}" for why, count in grown.dropped.items()]
        message = f"{url} has dropped alerts since the last run: {', '.join(reasons)}"
        yield Condition("Alerts dropped", "E", url, message)
    if not health.reloaded:
        message = f"{url} could not read its configuration file and goes on with the old one"
        yield Condition("Alertmanager reload failed", "E", url, message)
    if len(cluster.members) < params.expected:
        seen = ", ".join(shown(member, 60) for member in cluster.members[:10]) or "none"
        message = f"{url} sees {len(cluster.members)} of {params.expected} members: {seen}"
        yield Condition("Alertmanager members missing", "W", url, message)


def _failing(url: str, event_type: str, integration: str, what: str) -> Condition:
    name = shown(integration, 60) or "it"
    message = f"{url}: {what} by {name} since the last run"
    return Condition("Notifications failed", event_type, f"{url} {name}", message)
