"""The `http` check on real servers on loopback: how it asks, and what it reads of an answer."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
import trio

from checks._http.request import MAX_BODY_BYTES
from checks._http.target import Target
from checks.http import Params, run
from supervisor.api import Limit, Measurement
from tests.checks.http_bench import SOON, asked, look, no_socket_is_left, today, told
from tests.support.fake_peer import FakePeer, answer, drip, endless, later

__all__ = ["no_socket_is_left"]  # a fixture


@pytest.mark.parametrize(
    ("status", "wanted", "fine"),
    [
        (200, ("200-299",), True),
        (299, ("200-299",), True),
        (300, ("200-299",), False),
        (404, (404,), True),
        (503, (200, "500-503"), True),
        (504, (200, "500-503"), False),
    ],
)
async def test_a_status_is_right_when_it_is_listed(
    nursery: trio.Nursery, status: int, wanted: tuple[int | str, ...], fine: bool
) -> None:
    said = await asked(nursery, answer(status), status=wanted)

    assert fine == (said == [])
    assert fine or f"status {status}, expected {', '.join(map(str, wanted))}" in said[0]


async def test_a_target_fails_and_recovers(nursery: trio.Nursery) -> None:
    peer: FakePeer = await nursery.start(FakePeer().serve)
    peer.script.extend([answer(200), answer(500), answer(200)])
    seen = [await look(peer.url, event_type="W") for _ in range(3)]

    assert [told(each) for each in seen] == [
        [],
        [("HTTP check failed", "W", f"x ({peer.url}): status 500, expected 200-299")],
        [],
    ]
    measured = [item for item in seen[1] if isinstance(item, Measurement)]
    assert [(item.name, dict(item.labels)) for item in measured] == [
        ("http_seconds", {"target": "x"}),
        ("http_status", {"target": "x"}),
    ]
    assert 0 < measured[0].value < 5
    assert measured[1].value == 500


BODY = json.dumps({"checks": [{"state": "green", "age": 3}], "ok": True}).encode()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"contains": "green"}, ""),
        ({"contains": "red"}, "the body does not contain 'red'"),
        ({"pattern": "gr[ae]+n"}, ""),
        ({"pattern": "^red$"}, "the body does not match '^red$'"),
        ({"json_pointer": "/checks/0/state", "json_value": "green"}, ""),
        ({"json_pointer": "/checks/0/age", "json_value": 3}, ""),
        ({"json_pointer": "/checks/0/age", "json_value": 3.0}, ""),
        ({"json_pointer": "/ok", "json_value": True}, ""),
        ({"json_pointer": "/ok", "json_value": 1}, "/ok is true, expected 1"),
        ({"json_pointer": "/ok"}, ""),
        ({"json_pointer": ""}, ""),
        (
            {"json_pointer": "/checks/0/state", "json_value": "red"},
            '/checks/0/state is "green", expected "red"',
        ),
        ({"json_pointer": "/checks/1/state"}, "the body has no /checks/1/state"),
        ({"json_pointer": "/nothing"}, "the body has no /nothing"),
        ({"status": (500,), "contains": "red"}, "status 200, expected 500"),
    ],
)
async def test_a_body_is_judged(nursery: trio.Nursery, wanted: dict[str, Any], said: str) -> None:
    messages = await asked(nursery, answer(200, BODY), **wanted)

    assert [message.endswith(said) for message in messages] == ([True] if said else [])


async def test_a_body_that_is_not_json_is_named(nursery: trio.Nursery) -> None:
    (said,) = await asked(nursery, answer(200, b"[" * 100_000), json_pointer="/a")

    assert said.endswith("the body is not JSON")


async def test_a_request_is_sent_as_it_is_written(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer().serve)
    await look(f"{peer.url}/a?b=1", method="POST", body="hä", headers={"Host": "x.invalid"})
    (request,) = peer.requests

    assert (request.method, request.path, request.body) == ("POST", "/a?b=1", "hä".encode())
    assert request.headers["host"] == "x.invalid"
    assert request.headers["user-agent"] == "alertmanager-supervisor"


async def test_no_proxy_is_asked(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert await asked(nursery, answer(200)) == []


async def test_a_slow_answer_has_its_own_warning(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=later(0.2, answer(200))).serve)
    slow = told(await look(peer.url, max_seconds=Limit.of(0.1)))
    fine = told(await look(peer.url, max_seconds=Limit.of(4)))

    assert [(name, kind) for name, kind, _ in slow] == [("HTTP slow", "W")]
    assert re.search(r": the answer took \d+\.\d+ s, more than 0\.1 s$", slow[0][2])
    assert fine == []


async def test_the_charset_is_used_and_a_compression_is_named(nursery: trio.Nursery) -> None:
    korean = {"Content-Type": "text/html; charset=euc-kr"}
    body = "정상".encode("euc-kr")
    understood = await asked(nursery, answer(200, body, korean), contains="정상")
    (compressed,) = await asked(
        nursery, answer(200, gzip.compress(b"ok"), {"Content-Encoding": "gzip"}), contains="ok"
    )

    assert understood == []
    assert compressed.endswith("the body is compressed (gzip), so nothing can be found in it")


async def test_all_targets_are_asked_at_once(nursery: trio.Nursery) -> None:
    all_asked = trio.Event()

    async def wait_for_all(stream: Any) -> None:
        if peer.in_flight == len(targets):
            all_asked.set()
        await all_asked.wait()
        await answer(200)(stream)

    peer = await nursery.start(FakePeer(usual=wait_for_all).serve)
    targets = tuple(Target(f"t{number}", peer.url) for number in range(20))
    seen = list(await run(today(), Params(targets)))

    assert peer.most_in_flight == len(targets)
    assert [dict(item.labels)["target"] for item in seen[::2] if isinstance(item, Measurement)] == [
        target.name for target in targets
    ]


async def test_a_status_that_is_wrong_counts_before_the_body_is_over(nursery: trio.Nursery) -> None:
    head = b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer = await nursery.start(FakePeer(usual=drip([head, *[b"1\r\nx\r\n"] * 1000], 0.05)).serve)

    assert told(await look(peer.url, SOON))[0][2].endswith("status 503, expected 200-299")


async def test_the_beginning_of_an_endless_body_counts(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=endless).serve)
    with trio.fail_after(4):
        seen = told(await look(peer.url, contains="xxx"))

    assert seen == []


async def test_a_query_is_not_shown(nursery: trio.Nursery) -> None:
    peer: FakePeer = await nursery.start(FakePeer(usual=answer(500)).serve)
    ((_, _, said),) = told(await look(f"{peer.url}/a?key=k#f"))

    assert said == f"x ({peer.url}/a): status 500, expected 200-299"
    assert peer.requests[0].path == "/a?key=k"


async def test_what_comes_after_a_megabyte_is_not_judged(nursery: trio.Nursery) -> None:
    said = await asked(nursery, answer(200, b"x" * MAX_BODY_BYTES + b"end"), contains="end")

    assert "does not contain" in said[0]


async def test_a_closed_port_and_an_unknown_name_are_named() -> None:
    closed = told(await look("http://127.0.0.1:1"))
    unknown = told(await look("http://nowhere.invalid"))

    assert closed[0][2] == "x (http://127.0.0.1:1): connection refused"
    assert unknown[0][2].startswith("x (http://nowhere.invalid): ")


def test_there_are_targets_and_their_names_are_unique() -> None:
    with pytest.raises(ValueError, match="is empty; write at least one"):
        Params(())
    with pytest.raises(ValueError, match="has x more than once"):
        Params((Target("x", "http://h"), Target("x", "http://i")))
