"""Asks one Alertmanager, for `doctor`, whether it would notify of our alerts. GET only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import trio
from attrs import define, field

from supervisor.config.service import LABEL_NAME, Service
from supervisor.delivery.client import Client
from supervisor.delivery.clock_skew import is_tolerated
from supervisor.delivery.replies import Answer, Reply
from supervisor.doctor import peer_metrics
from supervisor.doctor.findings import Examination, Finding
from supervisor.doctor.peer_metrics import AlertmanagerStatus
from supervisor.doctor.routing import problems, routes
from supervisor.doctor.routing.routes import Routing
from supervisor.errors import SupervisorError

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Enough for a configuration with hundreds of routes, and for the metrics of a large cluster."""

READ_TIMEOUT = 20.0
"""Seconds to understand an answer of that size."""

_REMEDIES = {
    "timeout": "look whether it is overloaded and whether a firewall drops the packets; "
    "alertmanager.timeout is how long it may take",
    "connect": "start it, let a firewall pass it, or correct alertmanager.urls",
    "transport": "look whether it is http or https, and whether a proxy is in the way",
    "address": "correct alertmanager.urls",
    "credentials": "make that secret readable, or name another in [alertmanager]",
    "HTTP 401": "correct username and password, or bearer_token, in [alertmanager]",
    "HTTP 403": "let this user, or this host, use the API",
    "HTTP 404": "correct the path in alertmanager.urls: it must be that of --web.route-prefix",
}
"""What to do, by the reason of an answer that is not a success."""

T = TypeVar("T")


async def examine(url: str, service: Service) -> Examination:
    """Return what is right and wrong with the peer.

    It takes at most two timeouts of the peer and two times `READ_TIMEOUT`.
    """
    examination = _PeerExamination(url, service)
    try:
        async with Client(url, service.alertmanager) as client:
            await examination.run(client)
    except SupervisorError as error:
        remedy = "correct ca_file, cert_file and key_file in [alertmanager]"
        examination.findings.append(Finding(str(error), remedy))
    return Examination(f"Alertmanager {url}", tuple(examination.good), tuple(examination.findings))


@define
class _PeerExamination:
    """An examination that is going on."""

    url: str
    service: Service

    good: list[str] = field(factory=list)
    findings: list[Finding] = field(factory=list)

    async def run(self, client: Client) -> None:
        begun = trio.current_time()
        answer = await client.get("/api/v2/status", time.time(), MAX_ANSWER_BYTES)
        seconds = trio.current_time() - begun
        if answer.reply is not Reply.DELIVERED:
            self.findings += [unreachable(answer), *_skew(answer, time.time())]
            return
        try:
            status = peer_metrics.read_status(answer.body)
        except SupervisorError as error:
            self.findings.append(Finding(str(error), "correct alertmanager.urls"))
            return
        self.good.append(f"reachable in {seconds:.3f} s, version {status.version}")
        self._compare_clocks(answer, time.time())
        await self._try_label_names(client, time.time())
        await self._read_routing(status)
        await self._read_metrics(client, time.time())

    def _compare_clocks(self, answer: Answer, now: float) -> None:
        found = tuple(_skew(answer, now))
        self.findings += found
        if not found and answer.date is not None:
            apart = max(1, abs(round(answer.date - now)))
            self.good.append(f"its clock and ours differ by at most {apart} s")

    async def _try_label_names(self, client: Client, now: float) -> None:
        """If there are labels in UTF-8, ask for alerts by one. Who refuses it takes none."""
        each = (self.service.labels, *(module.labels for module in self.service.modules))
        names = {name for labels in each for name in labels if not LABEL_NAME.fullmatch(name)}
        if not names:
            return
        name = min(names)
        matcher = quote(f'"{name}"="a value that no alert has"')
        answer = await client.get(f"/api/v2/alerts?filter={matcher}", now, MAX_ANSWER_BYTES)
        if answer.reply is Reply.DELIVERED:
            self.good.append(f"it takes names of labels in UTF-8, such as {name}")
            return
        self.findings.append(
            Finding(
                f"it does not take the label {name}, and refuses all alerts that have it: {answer}",
                "run Alertmanager 0.27 or newer, without --enable-feature=classic-mode, or use "
                "letters, digits and _ alone",
            )
        )

    async def _read_routing(self, status: AlertmanagerStatus) -> None:
        alerts = problems.samples(self.service)
        try:
            tree, found = await _in_thread(partial(_judge, status, self.service, alerts))
        except (SupervisorError, trio.TooSlowError) as error:
            why = str(error) or f"cannot read its configuration within {READ_TIMEOUT:g} s"
            remedy = f"look at its routes with amtool config routes --alertmanager.url={self.url}"
            self.findings.append(Finding(why, remedy))
            return
        for event_type, names in problems.receivers(tree, alerts).items():
            reached = ", ".join(names)
            self.good.append(f"{event_type} reaches {reached or 'no receiver'}")
        if not any(finding.serious or "group_wait" in finding.what for finding in found):
            self.good.append(
                "its group_by, group_wait, group_interval and repeat_interval suit our alerts"
            )
        self.findings += found

    async def _read_metrics(self, client: Client, now: float) -> None:
        answer = await client.get("/metrics", now, MAX_ANSWER_BYTES)
        if answer.reply is not Reply.DELIVERED:
            self.findings.append(_without_metrics(str(answer)))
            return
        text = answer.body.decode(errors="replace")
        try:
            totals = await _in_thread(partial(peer_metrics.read_metrics, text))
        except trio.TooSlowError:
            self.findings.append(_without_metrics(f"they take more than {READ_TIMEOUT:g} s"))
            return
        if not totals:
            self.findings.append(_without_metrics("there are none"))
            return
        found = peer_metrics.findings(totals, peers=len(self.service.alertmanager.urls))
        self.findings += found
        if not found:
            self.good.append("no notification has failed since it started")


async def _in_thread(read: Callable[[], T]) -> T:
    """Read an answer in a thread. Raises `trio.TooSlowError` after `READ_TIMEOUT`."""
    with trio.fail_after(READ_TIMEOUT):
        return await trio.to_thread.run_sync(read, abandon_on_cancel=True)


def _judge(
    status: AlertmanagerStatus, service: Service, alerts: tuple[problems.Sample, ...]
) -> tuple[Routing, tuple[Finding, ...]]:
    tree = routes.read(status.configuration)
    return tree, problems.findings(tree, status.version, service, alerts)


def _without_metrics(why: str) -> Finding:
    return Finding(
        f"cannot read its metrics, so failed notifications are not seen: {why}",
        "let GET /metrics through to it",
        serious=False,
    )


def unreachable(answer: Answer) -> Finding:
    """Return what it means that a peer refuses or does not answer."""
    if answer.reason == "certificate":
        ours = "refuses ours" in answer.detail
        remedy = (
            "name in cert_file and key_file a certificate that its client_ca_file has signed"
            if ours
            else "name in ca_file who signed it, and in alertmanager.urls a host that it is for"
        )
    elif answer.reason in _REMEDIES:
        remedy = _REMEDIES[answer.reason]
    elif answer.reason.startswith("HTTP 3"):
        remedy = "write in alertmanager.urls where it redirects to"
    else:
        remedy = "look in its log, and in that of a proxy in front of it"
    said = answer.detail if answer.reason == "connect" else answer
    return Finding(f"cannot be asked: {said}", remedy)


def _skew(answer: Answer, now: float) -> Iterator[Finding]:
    if answer.date is None:
        if answer.reply is Reply.DELIVERED:
            yield Finding(
                "its answers have no Date, so its clock cannot be compared with ours",
                "let a proxy in front of it pass the header Date on",
                serious=False,
            )
        return
    skew = answer.date - now
    if not is_tolerated(skew):
        yield Finding(
            f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours",
            "run an NTP client, such as chrony, on both hosts",
        )
