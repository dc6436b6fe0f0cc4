"""The `http` check on real servers on loopback, well and badly behaved."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from attrs import evolve

from checks._http import tls as tls_contexts
from checks._http.request import MAX_BODY_BYTES
from checks._http.target import Target
from checks.http import Params, run
from supervisor.api import Condition, Context, Limit, Measurement, Observation, Secret
from supervisor.observations import Duration
from tests.support.addresses import resolve_to
from tests.support.certificates import be_python_3_13, issue, pem_file, server
from tests.support.check_context import context
from tests.support.fake_peer import (
    Behaviour,
    FakePeer,
    answer,
    black_hole,
    closing,
    drip,
    endless,
    http,
    later,
    raw,
    reset,
)
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.sockets import open_sockets

CA = trustme.CA()
SOON = 0.8
"""Seconds: the timeout of a target that never answers."""
SLOW = f"no answer within {SOON} s"


@pytest.fixture(autouse=True)
def _no_socket_is_left() -> Iterator[None]:
    before = open_sockets()
    yield

    assert open_sockets() == before


def today() -> Context:
    return evolve(context(), clock=lambda: datetime.now(UTC).timestamp())


async def look(url: str, within: float = 5.0, **given: Any) -> list[Observation]:
    target = Target("x", url, timeout=Duration(within), **given)
    return list(await run(today(), Params((target,))))


def told(seen: Iterable[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


async def asked(nursery: trio.Nursery, behaviour: Behaviour, **given: Any) -> list[str]:
    """Ask a server with this behaviour, and return the messages."""
    peer = await nursery.start(FakePeer(usual=behaviour).serve)
    return [message for *_, message in told(await look(peer.url, **given))]


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
    assert re.search(r": the answer took 0\.[2-9]\d s, more than 0\.1 s$", slow[0][2])
    assert fine == []


async def test_a_redirect_is_followed_only_where_that_is_wanted(nursery: trio.Nursery) -> None:
    peer: FakePeer = await nursery.start(FakePeer().serve)
    away = answer(302, headers={"Location": "/there"})
    peer.script.extend([away, away, answer(200), away])
    not_followed = told(await look(peer.url))
    followed = told(await look(peer.url, follow_redirects=True))
    wanted = told(await look(peer.url, status=(302,)))

    assert "status 302, expected 200-299" in not_followed[0][2]
    assert followed == wanted == []
    assert [request.path for request in peer.requests] == ["/", "/", "/there", "/"]


@pytest.mark.parametrize("away", ["mailto:x@example.invalid", "urn:x:y", "http://[::1", "app://x"])
async def test_the_location_of_a_redirect_counts_only_when_it_is_followed(
    nursery: trio.Nursery, away: str
) -> None:
    assert await asked(nursery, answer(302, headers={"Location": away}), status=(302,)) == []


async def test_redirects_without_end_are_left_after_five(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=answer(302, headers={"Location": "/"})).serve)
    ((_, _, said),) = told(await look(peer.url, follow_redirects=True))

    assert said.endswith("more than 5 redirects")
    assert len(peer.requests) == 6


async def test_a_secret_is_sent_and_not_to_another_server(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "a-token")
    other = await nursery.start(FakePeer().serve)
    away = answer(302, headers={"Location": other.url})
    peer = await nursery.start(FakePeer(usual=away).serve)
    secret = Secret("env", "TOKEN")
    await look(peer.url, bearer_token=secret, follow_redirects=True)
    await look(peer.url, username="me", password=secret)

    assert [request.headers.get("authorization") for request in peer.requests] == [
        "Bearer a-token",
        "Basic " + base64.b64encode(b"me:a-token").decode(),
    ]
    assert [request.headers.get("authorization") for request in other.requests] == [None]


async def test_a_header_may_be_a_secret_and_is_not_sent_to_another_server(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "a-key")
    other = await nursery.start(FakePeer().serve)
    peer: FakePeer = await nursery.start(FakePeer().serve)
    peer.script.extend(
        [
            answer(302, headers={"Location": "/there"}),
            answer(302, headers={"Location": other.url}),
        ]
    )
    headers = {"X-Api-Key": Secret("env", "KEY"), "X-Other": "x"}
    seen = told(await look(peer.url, headers=headers, follow_redirects=True))
    wanted = ("x-api-key", "x-other")

    assert seen == []
    assert [
        [request.headers.get(name) for name in wanted]
        for request in (*peer.requests, *other.requests)
    ] == [["a-key", "x"], ["a-key", "x"], [None, "x"]]


async def test_a_header_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "two\nlines")
    headers = {"X-Api-Key": Secret("env", "KEY")}
    ((_, _, said),) = told(await look("http://127.0.0.1:1", headers=headers))

    assert said == (
        "x (http://127.0.0.1:1): it cannot be asked: "
        "its header X-Api-Key is empty, or not plain ASCII in one line"
    )


async def test_the_charset_is_used_and_a_compression_is_named(nursery: trio.Nursery) -> None:
    korean = {"Content-Type": "text/html; charset=euc-kr"}
    body = "정상".encode("euc-kr")
    understood = await asked(nursery, answer(200, body, korean), contains="정상")
    (compressed,) = await asked(
        nursery, answer(200, gzip.compress(b"ok"), {"Content-Encoding": "gzip"}), contains="ok"
    )

    assert understood == []
    assert compressed.endswith("the body is compressed (gzip), so nothing can be found in it")


@pytest.mark.parametrize("token", ["two\nlines", "umläut", "bell\a", ""])
async def test_a_token_that_cannot_be_sent_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TOKEN", token)
    ((_, _, said),) = told(await look("http://127.0.0.1:1", bearer_token=Secret("env", "TOKEN")))

    assert said == (
        "x (http://127.0.0.1:1): it cannot be asked: "
        "its bearer_token is empty, or not plain ASCII in one line"
    )


async def test_a_secret_or_file_that_cannot_be_read_does_not_hide_other_targets(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NONE", raising=False)
    peer = await nursery.start(FakePeer(usual=answer(500)).serve)
    (tmp_path / "empty.pem").touch()
    targets = (
        Target("secret", peer.url, username="me", password=Secret("env", "NONE")),
        Target("missing", "https://127.0.0.1:1", ca_file=Path("/nonexistent.pem")),
        Target("empty", "https://127.0.0.1:1", ca_file=tmp_path / "empty.pem"),
        Target("other", peer.url),
    )
    said = [message for *_, message in told(await run(today(), Params(targets)))]

    assert len(said) == 4
    assert ": it cannot be asked: cannot read the secret: the variable NONE" in said[0]
    assert ": cannot load /nonexistent.pem: " in said[1]
    assert f": cannot load {tmp_path}/empty.pem: " in said[2]
    assert said[3].endswith(": status 500, expected 200-299")
    assert len(peer.requests) == 1


def tls(days: float) -> ssl.SSLContext:
    leaf = CA.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(server)
    return server


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


async def test_a_certificate_must_be_trusted(nursery: trio.Nursery, ca_file: Path) -> None:
    peer = await nursery.start(FakePeer(tls=tls(100)).serve)
    unknown = told(await look(peer.url))
    trusted = told(await look(peer.url, ca_file=ca_file))
    allowed = told(await look(peer.url, verify=False))

    assert [(name, kind) for name, kind, _ in unknown] == [("HTTP check failed", "E")]
    assert "its certificate is not trusted: unable to get local issuer certificate" in unknown[0][2]
    assert trusted == allowed == []


async def test_the_days_count_also_where_any_certificate_is_trusted(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(tls=tls(-1)).serve)
    refused = told(await look(peer.url, ca_file=None))
    seen = told(await look(peer.url, verify=False))
    unjudged = told(await look(peer.url, verify=False, warn_days=-9, error_days=-9))

    assert "is not trusted" in refused[0][2]
    assert [(name, kind) for name, kind, _ in seen] == [("Certificate expires", "E")]
    assert unjudged == []


async def test_the_authorities_count_after_a_redirect_to_tls(
    nursery: trio.Nursery, ca_file: Path
) -> None:
    secure = await nursery.start(FakePeer(tls=tls(100)).serve)
    peer = await nursery.start(FakePeer(usual=answer(301, headers={"Location": secure.url})).serve)
    unknown = told(await look(peer.url, follow_redirects=True))
    trusted = told(await look(peer.url, follow_redirects=True, ca_file=ca_file))

    assert "is not trusted" in unknown[0][2]
    assert trusted == []


@pytest.mark.parametrize(
    ("days", "expected"), [(31, []), (29, [("Certificate expires", "W")]), (6, ["E"])]
)
@pytest.mark.parametrize("behaviour", [answer(200), closing(answer(200, b"x"))])
async def test_the_days_of_a_certificate_are_judged(
    nursery: trio.Nursery, ca_file: Path, days: float, expected: list[Any], behaviour: Behaviour
) -> None:
    peer = await nursery.start(FakePeer(tls=tls(days), usual=behaviour).serve)
    seen = await look(peer.url, ca_file=ca_file, warn_days=30, error_days=7)
    measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}

    assert [kind for _, kind, _ in told(seen)] == [each[-1] for each in expected]
    assert measured["certificate_days_left"] == pytest.approx(days, abs=0.01)


async def test_seconds_and_days_may_be_tables_of_limits(
    nursery: trio.Nursery, ca_file: Path
) -> None:
    usual = later(0.2, answer(200))
    peer = await nursery.start(FakePeer(tls=tls(33), usual=usual).serve)
    seconds = Limit((("W", Duration(0.1)), ("E", Duration(4))))
    days = Limit((("W", 30.0),), clear=35.0)
    seen = await look(peer.url, ca_file=ca_file, max_seconds=seconds, min_days=days)
    slow, expires = (item for item in seen if isinstance(item, Condition))

    assert (slow.alertname, slow.event_type, slow.sustain) == ("HTTP slow", "W", False)
    assert slow.message.endswith(" s (limit W 0.1 s, E 4 s)")
    assert (expires.alertname, expires.event_type, expires.sustain) == (
        "Certificate expires",
        "W",
        True,
    )


async def test_all_targets_are_asked_at_once(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=later(0.3, answer(200))).serve)
    targets = tuple(Target(f"t{number}", peer.url) for number in range(20))
    seen = list(await run(today(), Params(targets)))

    assert peer.most_in_flight == 20
    assert [dict(item.labels)["target"] for item in seen[::2] if isinstance(item, Measurement)] == [
        target.name for target in targets
    ]


async def hang_up(stream: Any) -> None:
    await stream.aclose()


ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1_000_000
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000 + b"\r\n"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (black_hole, SLOW),
        (drip([b"%c" % byte for byte in http(200, b"x" * 1000)], 0.05), SLOW),
        (drip([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0.05), SLOW),
        (reset, ""),
        (hang_up, "Server disconnected without sending a response."),
        (raw(b"220 this is not a web server\r\n\r\n"), "illegal status line"),
        (raw(b"\x00\xff" * 5000), ""),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), ""),
        (closing(raw(ENDLESS_HEADERS)), ""),
        (closing(raw(MANY_HEADERS)), ""),
        (closing(raw(http(200, b"x", {"Content-Length": "9"}))), "peer closed connection"),
        (answer(302, headers={"Location": "ftp://x.invalid"}), "unsupported protocol"),
        (answer(302, headers={"Location": "http://[x]:y/"}), "Invalid URL in location header"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_bad_server_fails_in_time(
    nursery: trio.Nursery, behaviour: Behaviour, said: str, secure: bool
) -> None:
    peer = await nursery.start(FakePeer(usual=behaviour, tls=tls(9) if secure else None).serve)
    with trio.fail_after(4):
        seen = await look(peer.url, SOON, follow_redirects=True, verify=False)
    ((name, kind, message),) = told(seen)

    assert (name, kind) == ("HTTP check failed", "E")
    assert said in message
    assert len(message) < 400
    assert message.removeprefix(f"x ({peer.url}): ").isprintable()


EVENTS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = drip([EVENTS, *[b"d\r\ndata: alive\n\n\r\n"] * 1000], 0.05)
"""Server-sent events: the head at once, the body for ever."""


@pytest.mark.parametrize("behaviour", [STREAM, drip([EVENTS, *[b""] * 1000], 0.05)])
async def test_a_stream_without_end_is_up_when_nothing_is_asked_of_its_body(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    peer = await nursery.start(FakePeer(usual=behaviour).serve)
    seen = await look(peer.url, SOON)
    measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}

    assert told(seen) == []
    assert measured["http_status"] == 200
    assert measured["http_seconds"] < SOON


@pytest.mark.parametrize("asked_of_it", [{"contains": "dead"}, {"max_seconds": Limit.of(SOON / 2)}])
async def test_a_stream_without_end_is_too_slow_when_its_end_is_asked_for(
    nursery: trio.Nursery, asked_of_it: dict[str, Any]
) -> None:
    peer = await nursery.start(FakePeer(usual=STREAM).serve)

    assert told(await look(peer.url, SOON, **asked_of_it))[0][2].endswith(SLOW)


async def test_a_status_that_is_wrong_counts_before_the_body_is_over(nursery: trio.Nursery) -> None:
    head = b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer = await nursery.start(FakePeer(usual=drip([head, *[b"1\r\nx\r\n"] * 1000], 0.05)).serve)

    assert told(await look(peer.url, SOON))[0][2].endswith("status 503, expected 200-299")


async def test_the_beginning_of_an_endless_body_counts(nursery: trio.Nursery) -> None:
    peer = await nursery.start(FakePeer(usual=endless).serve)
    with trio.fail_after(4):
        seen = told(await look(peer.url, contains="xxx"))

    assert seen == []


async def test_the_body_of_a_redirect_is_not_read(nursery: trio.Nursery) -> None:
    away = raw(b"HTTP/1.1 302 X\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0

    async def without_end(stream: Any) -> None:
        nonlocal sent
        await away(stream)
        while True:
            await stream.send_all(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
            sent += 0x2000

    peer: FakePeer = await nursery.start(FakePeer().serve)
    peer.script.extend([without_end, answer(200)])
    with trio.fail_after(4):
        seen = told(await look(peer.url, follow_redirects=True))

    assert seen == []
    assert sent < 32 << 20


async def test_silent_targets_do_not_hide_others_at_the_modules_timeout(
    nursery: trio.Nursery,
) -> None:
    silent: FakePeer = await nursery.start(FakePeer(usual=black_hole).serve)
    dripping = await nursery.start(FakePeer(usual=drip([b"H"] * 1000, 0.05)).serve)
    broken = await nursery.start(FakePeer(usual=answer(500)).serve)
    names = {"silent": silent, "dripping": dripping, "broken": broken}
    targets = tuple(Target(name, peer.url) for name, peer in names.items())
    with trio.fail_after(1):
        seen = told(await run(today(), Params(targets)))

    assert len(seen) == 3
    assert [name for name, *_ in seen] == ["HTTP check failed"] * 3
    assert all(re.search(r": no answer within 0\.[0-9]+ s$", said) for *_, said in seen[:2])
    assert seen[2][2].endswith(": status 500, expected 200-299")


async def test_a_ca_file_that_hangs_does_not_hide_other_targets(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    peer = await nursery.start(FakePeer(usual=answer(500)).serve)
    hanging = Hanging(ssl.create_default_context())
    monkeypatch.setattr(tls_contexts, "tls_context", hanging)
    targets = (
        Target("hangs", "https://127.0.0.1:1", ca_file=tmp_path / "dead"),
        Target("other", peer.url),
    )
    with trio.fail_after(1):
        seen = told(await run(today(), Params(targets)))
    with trio.fail_after(1):
        again = told(await run(today(), Params(targets)))
    hanging.released.set()
    await until_no_thread_hangs()

    assert [message.partition("): ")[2] for *_, message in seen] == [
        f"reading {tmp_path}/dead takes too long",
        "status 500, expected 200-299",
    ]
    assert again[0][2].endswith(f"an earlier read of {tmp_path}/dead still hangs")
    assert len(again) == 2


async def test_a_ca_file_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ((_, _, said),) = told(await look("https://127.0.0.1:1", ca_file=tmp_path / "pipe"))

    assert said.endswith(f": cannot load {tmp_path}/pipe: it is not a regular file")


async def test_the_host_header_is_what_tls_asks_for(nursery: trio.Nursery, tmp_path: Path) -> None:
    authority = issue("ours", authority=True)
    asked: list[str] = []
    shop = server(issue("shop", authority, hosts=["shop.test"]), directory=tmp_path)
    other = server(issue("other", authority, hosts=["127.0.0.1"]), directory=tmp_path)

    def choose(connection: ssl.SSLObject, name: str, _: ssl.SSLContext) -> None:
        asked.append(name)
        if name == "shop.test":
            connection.context = shop

    other.sni_callback = choose
    peer: FakePeer = await nursery.start(FakePeer(tls=other).serve)
    for host in ("shop.test", "shop.test:8443", "shop.test.", "other.test", "127.0.0.1", "a b"):
        seen = told(
            await look(peer.url, headers={"Host": host}, ca_file=pem_file(tmp_path, authority))
        )
        assert bool(seen) == (host == "other.test"), seen
    away = answer(302, headers={"Location": f"https://localhost:{peer.port}/"})
    peer.script.append(away)
    moved = await look(
        peer.url,
        headers={"Host": "shop.test"},
        ca_file=pem_file(tmp_path, authority),
        follow_redirects=True,
    )

    assert asked[:3] == ["shop.test"] * 3
    assert asked[-2:] == ["shop.test", "localhost"]
    assert "Hostname mismatch" in told(moved)[0][2]
    assert peer.requests[1].headers["host"] == "shop.test:8443"


async def test_a_name_with_a_final_dot_has_the_certificate_of_the_name(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = resolve_to(monkeypatch, "127.0.0.1")
    authority = issue("ours", authority=True)
    tls = server(issue("x", authority, hosts=["shop.test"]), directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    trusted = pem_file(tmp_path, authority)

    assert told(await look(f"https://shop.test.:{peer.port}/", ca_file=trusted)) == []
    assert names == ["shop.test."]


async def test_another_host_is_not_told_the_zone_of_an_address(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def converse(stream: trio.SocketStream) -> None:
        seen.append((await stream.receive_some(4096)).decode())
        await stream.send_all(http(200))

    listeners = await trio.open_tcp_listeners(0, host="::1")
    nursery.start_soon(trio.serve_listeners, converse, listeners)
    port = listeners[0].socket.getsockname()[1]
    names = resolve_to(monkeypatch, "::1")
    for zone in ("%25nosuch0", "%nosuch0"):
        assert told(await look(f"http://[fe80::1{zone}]:{port}/")) == []
    nursery.cancel_scope.cancel()

    assert names == ["fe80::1%nosuch0"] * 2
    assert [f"host: [fe80::1]:{port}" in each.lower() for each in seen] == [True, True]


async def test_an_intermediate_authority_that_ends_soon_is_told(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    root = issue("root", authority=True)
    between = issue("between", root, days=5, authority=True)
    leaf = issue("leaf", between, hosts=["127.0.0.1"])
    tls = server(leaf, between, directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    for given in ({"ca_file": pem_file(tmp_path, root)}, {"verify": False}):
        seen = await look(peer.url, **given)
        ((name, kind, said),) = told(seen)

        assert (name, kind) == ("Certificate expires", "E")
        assert said.startswith("a certificate in the chain of x ends in 5 days, on ")
        assert said.endswith("(CN=between)")
        measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}
        assert measured["certificate_days_left"] == pytest.approx(5, abs=0.01)


async def test_authorities_against_rfc_5280_are_refused_only_on_demand(
    nursery: trio.Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_python_3_13(monkeypatch)
    authority = issue("ours", authority=True, critical=False)
    tls = server(issue("x", authority, hosts=["127.0.0.1"]), directory=tmp_path)
    peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
    trusted = pem_file(tmp_path, authority)

    assert told(await look(peer.url, ca_file=trusted)) == []
    assert "is not trusted" in told(await look(peer.url, ca_file=trusted, strict=True))[0][2]


async def test_a_query_is_not_shown(nursery: trio.Nursery) -> None:
    peer: FakePeer = await nursery.start(FakePeer(usual=answer(500)).serve)
    ((_, _, said),) = told(await look(f"{peer.url}/a?key=k#f"))

    assert said == f"x ({peer.url}/a): status 500, expected 200-299"
    assert peer.requests[0].path == "/a?key=k"


async def test_other_tasks_run_between_tiny_chunks(nursery: trio.Nursery) -> None:
    body = b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n"
    tiny = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    peer = await nursery.start(FakePeer(usual=tiny).serve)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    nursery.start_soon(count_turns)
    seen = told(await look(peer.url))
    nursery.cancel_scope.cancel()

    assert seen == []
    assert turns >= 5000


async def test_what_comes_after_a_megabyte_is_not_judged(nursery: trio.Nursery) -> None:
    said = await asked(nursery, answer(200, b"x" * MAX_BODY_BYTES + b"end"), contains="end")

    assert "does not contain" in said[0]


async def test_a_closed_port_and_an_unknown_name_are_named() -> None:
    closed = told(await look("http://127.0.0.1:1"))
    unknown = told(await look("http://nowhere.invalid"))

    assert closed[0][2] == "x (http://127.0.0.1:1): connection refused"
    assert unknown[0][2].startswith("x (http://nowhere.invalid): ")


async def test_a_server_without_a_handshake_is_given_up_in_time() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with trio.fail_after(4):
            ((_, _, said),) = told(await look(f"https://127.0.0.1:{port}", SOON))

    assert said.endswith(f"no connection within {0.9 * SOON:.2g} s")


def test_there_are_targets_and_their_names_are_unique() -> None:
    with pytest.raises(ValueError, match="is empty; write at least one"):
        Params(())
    with pytest.raises(ValueError, match="has x more than once"):
        Params((Target("x", "http://h"), Target("x", "http://i")))
