"""What `doctor` says of an Alertmanager, by what it answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio

from supervisor.config.secret import Secret
from supervisor.config.service import Alertmanager, Module, Service
from supervisor.doctor.findings import Examination
from supervisor.doctor.peer import examine
from supervisor.observations import Duration
from tests.doctor.routing.test_problems import GOOD
from tests.support.fake_peer import Behaviour, FakePeer, Request, answer, black_hole, raw, reset

METRICS = b"""\
alertmanager_config_last_reload_successful 1
alertmanager_notifications_total{integration="email"} 4
"""


def peer(
    configuration: str = GOOD,
    metrics: Behaviour | None = None,
    ahead: float | None = 0.0,
    alerts: Behaviour | None = None,
) -> FakePeer:
    """Return an Alertmanager whose clock is `ahead` seconds ahead. None sends no Date."""

    def choose(request: Request) -> Behaviour:
        if request.path == "/metrics":
            return metrics or answer(body=METRICS)
        if request.path.startswith("/api/v2/alerts"):
            return alerts or answer(body=b"[]")
        document = {
            "versionInfo": {"version": "0.28.0"},
            "config": {"original": configuration},
        }
        date = {} if ahead is None else {"Date": formatdate(time.time() + ahead, usegmt=True)}
        return answer(body=json.dumps(document).encode(), headers=date)

    return FakePeer(choose=choose)


def refusing(behaviour: Behaviour) -> FakePeer:
    return FakePeer(usual=behaviour)


async def told(
    nursery: trio.Nursery,
    fake: FakePeer,
    settings: Callable[[str], Alertmanager] | None = None,
    **labels: str,
) -> Examination:
    server = await nursery.start(fake.serve)
    chosen = (settings or _quick)(server.url)
    service = Service(
        path=Path("Test.toml"),
        service="TEST",
        timezone=ZoneInfo("UTC"),
        labels={"host": "h"},
        alertmanager=chosen,
        modules=(Module("disk", "disk", labels=labels),),
    )
    return await examine(server.url, service)


def _quick(url: str) -> Alertmanager:
    return Alertmanager(urls=(url,), timeout=Duration(0.4))


async def test_a_good_one_is_asked_and_given_nothing(nursery: trio.Nursery) -> None:
    fake = peer()
    section = await told(nursery, fake)

    assert section.findings == ()
    assert section.good[0].endswith(" s, version 0.28.0")
    assert section.good[1:] == (
        "its clock and ours differ by at most 1 s",
        "W reaches mail",
        "E reaches mail",
        "TE reaches mail",
        "I reaches reports",
        "S reaches reports",
        "its group_by, group_wait, group_interval and repeat_interval suit our alerts",
        "no notification has failed since it started",
    )
    assert [(request.method, request.path) for request in fake.requests] == [
        ("GET", "/api/v2/status"),
        ("GET", "/metrics"),
    ]


@pytest.mark.parametrize(
    ("behaviour", "what", "remedy"),
    [
        (answer(401), "HTTP 401", "correct username and password"),
        (answer(403), "HTTP 403", "let this user"),
        (answer(404), "HTTP 404", "correct the path in alertmanager.urls"),
        (answer(302, headers={"Location": "/login"}), "HTTP 302", "where it redirects to"),
        (answer(503, b"overloaded"), "HTTP 503: overloaded", "look in its log"),
        (black_hole, "timeout: no answer within 0.4 s", "whether it is overloaded"),
        (reset, "transport", "whether it is http or https"),
        (raw(b"SSH-2.0-x\r\n\r\n"), "transport", "whether it is http or https"),
        (
            answer(200, b"<html>"),
            "the answer is not an Alertmanager's",
            "correct alertmanager.urls",
        ),
    ],
)
async def test_a_refusal_has_a_remedy(
    nursery: trio.Nursery, behaviour: Behaviour, what: str, remedy: str
) -> None:
    section = await told(nursery, refusing(behaviour))

    (finding,) = section.findings
    assert what in finding.what
    assert remedy in finding.remedy
    assert finding.serious
    assert section.good == ()


async def test_a_port_without_a_server_has_a_remedy(nursery: trio.Nursery) -> None:
    service = Service(
        path=Path("Test.toml"),
        service="TEST",
        timezone=ZoneInfo("UTC"),
        alertmanager=_quick("http://127.0.0.1:1"),
    )
    (finding,) = (await examine("http://127.0.0.1:1", service)).findings

    assert finding.what == "cannot be asked: connection refused"
    assert finding.remedy.startswith("start it, ")


async def test_a_secret_that_cannot_be_read_is_named(nursery: trio.Nursery) -> None:
    missing = Secret("file", "/nonexistent/token")

    def settings(url: str) -> Alertmanager:
        return Alertmanager(urls=(url,), bearer_token=missing)

    (finding,) = (await told(nursery, peer(), settings)).findings

    assert "/nonexistent/token" in finding.what
    assert "secret" in finding.remedy


@pytest.mark.parametrize(
    ("ahead", "what"),
    [(300.0, "its clock is 300 s ahead of ours"), (-45.0, "its clock is 45 s behind ours")],
)
async def test_a_skewed_clock_is_serious(nursery: trio.Nursery, ahead: float, what: str) -> None:
    (finding,) = (await told(nursery, peer(ahead=ahead))).findings

    # A Date has whole seconds.
    said = finding.what.replace("299", "300").replace("46", "45")
    assert said == what
    assert "NTP" in finding.remedy
    assert finding.serious


async def test_a_clock_that_is_a_little_off_is_fine(nursery: trio.Nursery) -> None:
    section = await told(nursery, peer(ahead=20.0))

    assert section.findings == ()
    assert section.good[1] in (
        "its clock and ours differ by at most 19 s",
        "its clock and ours differ by at most 20 s",
    )


async def test_a_peer_without_a_clock_is_a_warning(nursery: trio.Nursery) -> None:
    (finding,) = (await told(nursery, peer(ahead=None))).findings

    assert "no Date" in finding.what
    assert not finding.serious


async def test_routing_that_would_lose_reports_is_serious(nursery: trio.Nursery) -> None:
    section = await told(nursery, peer(GOOD.replace("group_wait: 1s", "group_wait: 1h")))

    (finding,) = section.findings
    assert "no report is ever notified" in finding.what
    assert finding.serious
    assert not any("suit our alerts" in line for line in section.good)


async def test_a_configuration_that_cannot_be_read_is_serious(nursery: trio.Nursery) -> None:
    (finding,) = (await told(nursery, peer("route: [\n"))).findings

    assert finding.what.startswith("cannot read the configuration as YAML")
    assert "amtool" in finding.remedy
    assert finding.serious


async def test_a_long_configuration_is_read_to_its_end(nursery: trio.Nursery) -> None:
    section = await told(nursery, peer(f"# {'x' * 200_000}\n{GOOD}"))

    assert section.findings == ()


async def test_notifications_that_failed_are_serious(nursery: trio.Nursery) -> None:
    failed = METRICS + b'alertmanager_notifications_failed_total{integration="email"} 3\n'
    (finding,) = (await told(nursery, peer(metrics=answer(body=failed)))).findings

    assert finding.what == "3 of 4 notifications by email have failed since it started"
    assert finding.serious


@pytest.mark.parametrize("behaviour", [answer(403), answer(200, b"<html>"), black_hole])
async def test_metrics_that_cannot_be_read_are_a_warning(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    (finding,) = (await told(nursery, peer(metrics=behaviour))).findings

    assert finding.what.startswith("cannot read its metrics")
    assert not finding.serious


async def test_names_of_labels_in_utf8_are_tried(nursery: trio.Nursery) -> None:
    taken = await told(nursery, peer(), région="north")
    refused = await told(nursery, peer(alerts=answer(400)), région="north")

    assert "it takes names of labels in UTF-8, such as région" in taken.good
    assert taken.findings == ()
    (finding,) = refused.findings
    assert finding.what.startswith("it does not take the label région, and refuses all alerts")
    assert "0.27 or newer" in finding.remedy
