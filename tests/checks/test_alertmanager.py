"""The `alertmanager` check on what peers answer, also on hostile answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import trio

from checks.alertmanager import Params, run
from supervisor.api import Condition, Context, Duration, Measurement, Observation, Secret
from tests.support.check_context import context
from tests.support.fake_peer import (
    Behaviour,
    FakePeer,
    Request,
    answer,
    black_hole,
    drip,
    endless,
    reset,
)

METRICS = """\
# HELP alertmanager_notifications_failed_total The total number of failed notifications.
# TYPE alertmanager_notifications_failed_total counter
alertmanager_notifications_failed_total{{integration="email"}} {failed}
alertmanager_notifications_failed_total{{integration="webhook"}} 0
alertmanager_notification_requests_failed_total{{integration="email"}} {attempts}
alertmanager_notifications_total{{integration="email"}} {total}
alertmanager_config_last_reload_successful {reloaded}
process_start_time_seconds {started}
"""
HEALTHY = {"failed": 0, "attempts": 0, "total": 0, "reloaded": 1, "started": 1.79e9}


def metrics(**changes: float) -> bytes:
    return METRICS.format(**HEALTHY | changes).encode()


def status(*addresses: str, state: str = "ready") -> bytes:
    peers = [{"name": "x", "address": address} for address in addresses]
    return json.dumps({"cluster": {"status": state, "peers": peers}}).encode()


def peer(**changes: float) -> FakePeer:
    return speaking(metrics(**changes), status())


def speaking(said: bytes, of_cluster: bytes) -> FakePeer:
    def choose(request: Request) -> Behaviour:
        return answer(body=said if request.path.endswith("/metrics") else of_cluster)

    return FakePeer(choose=choose)


async def look(
    *peers: FakePeer, given: Context | None = None, **settings: Any
) -> list[Observation]:
    """Serve the peers, each on its own port, and return what the check observes."""
    async with trio.open_nursery() as nursery:
        for each in peers:
            await nursery.start(each.serve)
        urls = tuple(each.url for each in peers)
        seen = list(await run(given or context(), Params(urls, **settings)))
        nursery.cancel_scope.cancel()
    return seen


def conditions(seen: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.event_type, item.alertname, item.message.partition(" ")[2])
        for item in seen
        if isinstance(item, Condition)
    ]


async def test_failed_notifications_fire_while_there_are_more_of_them() -> None:
    given = context()
    server = peer(failed=7, attempts=20)
    verdicts = []
    for changes in (
        {"failed": 7, "attempts": 20},
        {"failed": 8, "attempts": 25},
        {"failed": 10, "attempts": 30},
        {"failed": 10, "attempts": 32},
        {"failed": 10, "attempts": 32},
    ):
        server.choose = peer(**changes).choose
        verdicts.append(conditions(await look(server, given=given)))

    name = "Notifications failed"
    assert verdicts == [
        [],
        [("E", name, "1 failed notification by email since the last run")],
        [("E", name, "2 failed notifications by email since the last run")],
        [("W", name, "2 failed attempts by email since the last run")],
        [],
    ]


async def test_dropped_alerts_fire_while_there_are_more_of_them() -> None:
    given, server = context(), peer()
    dispatcher = "alertmanager_dispatcher_aggregation_group_creation_given_up_total"
    verdicts = []
    for limited, busy in ((4, 0), (7, 0), (7, 2), (7, 2)):
        counts = (
            f'alertmanager_alerts_limited_total{{alertname="a"}} {limited}\n{dispatcher} {busy}\n'
        )
        server.choose = speaking(metrics() + counts.encode(), status()).choose
        verdicts.append(conditions(await look(server, given=given)))

    said = "has dropped alerts since the last run"
    assert verdicts == [
        [],
        [("E", "Alerts dropped", f"{said}: 3 beyond --alerts.per-alertname-limit")],
        [("E", "Alerts dropped", f"{said}: 2 while it was too busy")],
        [],
    ]


async def test_a_peer_that_was_restarted_counts_from_0_again() -> None:
    given = context()
    server = peer(failed=3)
    verdicts = []
    for changes in (
        {"failed": 3, "started": 1000.0},
        {"failed": 5, "started": 2000.0},
        {"failed": 1, "started": 2000.0},
    ):
        server.choose = peer(**changes).choose
        verdicts.append([said for _, _, said in conditions(await look(server, given=given))])

    assert verdicts == [
        [],
        ["5 failed notifications by email since the last run"],
        ["1 failed notification by email since the last run"],
    ]


async def test_nothing_is_missed_while_a_peer_does_not_answer() -> None:
    given = context()
    server = peer()
    await look(server, given=given)
    server.choose = lambda _request: answer(503)
    down = conditions(await look(server, given=given))
    server.choose = peer(failed=2).choose
    up = conditions(await look(server, given=given))

    said = "/api/v2/status: status 503, expected 200-299"
    assert down == [("E", "Alertmanager not answering", said)]
    assert [name for _, name, _ in up] == ["Notifications failed"]


async def test_a_failed_reload_fires_and_resolves() -> None:
    verdicts = [conditions(await look(peer(reloaded=value))) for value in (1, 0, 1)]

    said = "could not read its configuration file and goes on with the old one"
    assert verdicts == [[], [("E", "Alertmanager reload failed", said)], []]


@pytest.mark.parametrize(
    ("addresses", "members", "said"),
    [
        (("127.0.0.1:1",), None, []),
        (("127.0.0.1:1",), 0, []),
        (("127.0.0.1:1", "127.0.0.1:2"), 2, []),
        (("127.0.0.1:2", "127.0.0.1:1"), 3, ["sees 2 of 3 members: 127.0.0.1:1, 127.0.0.1:2"]),
        ((), 1, ["sees 0 of 1 members: none"]),
    ],
)
async def test_too_few_members_are_missed(
    addresses: tuple[str, ...], members: int | None, said: list[str]
) -> None:
    seen = await look(speaking(metrics(), status(*addresses)), members=members)

    assert [message for _, _, message in conditions(seen)] == said


async def test_peers_without_a_cluster_miss_each_other() -> None:
    alone = speaking(metrics(), b'{"cluster": {"status": "disabled"}}')
    seen = await look(alone, peer())

    assert [(kind, name) for kind, name, _ in conditions(seen)] == [
        ("W", "Alertmanager members missing"),
        ("W", "Alertmanager members missing"),
    ]


async def test_what_was_counted_since_the_last_run_is_measured() -> None:
    given = context()
    server = speaking(metrics(total=10, failed=1), status("127.0.0.1:1"))
    await look(server, given=given)
    server.choose = speaking(metrics(total=15, failed=3), status("127.0.0.1:1")).choose
    seen = await look(server, given=given)

    assert {item.name: item.value for item in seen if isinstance(item, Measurement)} == {
        "alertmanager_notifications": 5,
        "alertmanager_failed_notifications": 2,
        "alertmanager_dropped_alerts": 0,
        "alertmanager_members": 1,
    }


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (black_hole, "no answer within 0.5 s"),
        (endless, "/api/v2/status: the body does not contain '\"cluster\"'"),
        (reset, ""),
        (
            drip([b"HTTP/1.1 200 OK\r\n", *[b"X-Drip: 1\r\n"] * 1000], 0.05),
            "no answer within 0.5 s",
        ),
        (answer(body=metrics() + b'"cluster"'), "its status is not an Alertmanager's"),
        (answer(body=b'alertmanager_x "cluster"'), "its metrics are not an Alertmanager's"),
        (
            answer(302, headers={"Location": "/login"}),
            "/api/v2/status: status 302, expected 200-299",
        ),
    ],
)
async def test_a_peer_that_does_not_answer_like_an_alertmanager_does_not_hide_another(
    bad: Behaviour, said: str
) -> None:
    good = peer(reloaded=0)
    seen = conditions(await look(FakePeer(usual=bad), good, timeout=Duration(0.5), members=0))

    assert [name for _, name, _ in seen] == [
        "Alertmanager not answering",
        "Alertmanager reload failed",
    ]
    assert said in seen[0][2]


async def test_a_dripping_peer_is_given_up_before_the_modules_own_time() -> None:
    dripping = FakePeer(usual=drip([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 1000], 0.02))
    with trio.fail_after(1):
        seen = await look(dripping, timeout=Duration(60))

    assert [name for _, name, _ in conditions(seen)] == ["Alertmanager not answering"]


async def test_it_logs_in_and_keeps_the_prefix_of_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AM_TOKEN", "t0ken")
    server = peer()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve)
        params = Params((f"{server.url}/am/",), bearer_token=Secret("env", "AM_TOKEN"))
        await run(context(), params)
        nursery.cancel_scope.cancel()

    assert [request.path for request in server.requests] == ["/am/api/v2/status", "/am/metrics"]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer t0ken"}


async def test_a_secret_that_cannot_be_read_is_named() -> None:
    secret = Secret("file", "/nonexistent/token")
    seen = conditions(await look(peer(), bearer_token=secret))

    ((_, name, said),) = seen
    assert name == "Alertmanager not answering"
    assert said.startswith("it cannot be asked: ")
    assert "/nonexistent/token" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"urls": ()}, "is empty"),
        ({"urls": ("http://127.0.0.1:1",) * 2}, "is the same peer as"),
        ({"urls": ("127.0.0.1:9093",)}, "is not an http or https URL"),
        ({"urls": ("http://user:word@127.0.0.1",)}, "holds a password"),
        ({"urls": ("http://h", "http://H:80/")}, "http://H:80/ is the same peer as http://h"),
        ({"urls": ("http://h/?token=x",)}, "^has a query or a fragment; write the URL up to"),
        ({"urls": ("http://h/?",)}, "has a query or a fragment"),
        ({"urls": ("http://h/#x",)}, "has a query or a fragment"),
        ({"urls": ("http://127.0.0.1",), "members": -1}, "not a number of members"),
        ({"urls": ("http://127.0.0.1",), "username": "me"}, "belong together"),
        ({"urls": ("http://127.0.0.1",), "timeout": Duration(0)}, "0 or less"),
    ],
)
def test_wrong_parameters_are_refused(settings: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Params(**settings)
