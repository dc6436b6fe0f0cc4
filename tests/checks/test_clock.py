"""The `clock` check against NTP servers on loopback: right, wrong, silent and hostile."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import evolve

from checks import clock
from checks._kernel import clock as kernel_clock
from checks._kernel.clock import KernelClock
from checks.clock import Params, TimeServer
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Duration,
    Limit,
    Measurement,
    Observation,
)
from tests.support.check_context import context
from tests.support.ntp_server import NOW, NtpServer, answer

Respond = Callable[[bytes, float], list[bytes]]


def present() -> Context:
    return evolve(context(), clock=lambda: NOW)


def at(server: NtpServer, host: str = "127.0.0.1", **settings: Any) -> TimeServer:
    return TimeServer(host, server.port, **settings)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Let every name have these addresses."""

    def getaddrinfo(host: str, *_: object, **__: object) -> list[Any]:
        if not places:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in place[0] else socket.AF_INET, 0, 0, "", place)
            for place in places
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def look(
    *servers: TimeServer, given: Context | None = None, **settings: Any
) -> list[Observation]:
    params = Params(servers, synchronised=False, **settings)
    return list(await clock.run(given or present(), params))


def conditions(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


def names(seen: list[Observation]) -> list[str]:
    return [item.alertname for item in conditions(seen)]


def messages(seen: list[Observation]) -> list[str]:
    return [item.message for item in conditions(seen)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_right_clock_is_measured(host: str) -> None:
    async with NtpServer().running(host) as server:
        seen = await look(at(server, host))

    instance = f"[::1]:{server.port}" if ":" in host else f"{host}:{server.port}"
    measured = {item.name: item for item in seen if isinstance(item, Measurement)}
    assert measured.keys() == {"clock_offset_seconds", "ntp_round_trip_seconds", "ntp_stratum"}
    assert measured["clock_offset_seconds"].value == 0.0
    assert measured["clock_offset_seconds"].labels == {"server": instance}
    assert measured["ntp_stratum"].value == 2
    assert conditions(seen) == []


async def test_a_wrong_clock_fires_and_resolves_when_it_is_right_again() -> None:
    async with NtpServer().running() as server:
        verdicts = []
        for server.ahead in (0.0, 2.0, -30.0, 0.2, 4000.0, 0.0):
            seen = await look(at(server))
            verdicts.append([(item.event_type, item.message) for item in conditions(seen)])

    says = f"of what 127.0.0.1:{server.port} says (limit"
    assert verdicts == [
        [],
        [("W", f"the clock is 2 s behind {says} 0.5 s)")],
        [("E", f"the clock is 30 s ahead {says} 10 s)")],
        [],
        [("E", f"the clock is 1 h 6 min 40 s behind {says} 10 s)")],
        [],
    ]


async def test_a_table_of_limits_has_two_types_and_a_band_that_holds_while_no_server_answers() -> (
    None
):
    limit = Limit((("W", Duration(1)), ("E", Duration(60))), Duration(0.5))
    given, found = present(), []
    async with NtpServer().running() as server:
        for server.ahead in (0.3, 0.7, 2.0, 90.0, 60.0):
            seen = await look(at(server), given=given, max_offset=limit)
            found.append([(item.event_type, item.sustain) for item in conditions(seen)])
    kept = await look(at(server), given=given, max_offset=limit)

    assert found == [[], [("W", True)], [("W", False)], [("E", False)], [("W", False)]]
    assert conditions(kept)[1] == conditions(seen)[0]
    assert conditions(seen)[0].keeps == ("E",)
    assert messages(seen)[0].endswith("(limit W 1 s, E 1 min, clear 0.5 s)")
    assert {item.limits for item in seen if isinstance(item, Measurement)} == {(1, -1, 60, -60), ()}


async def test_what_an_older_version_has_kept_still_holds() -> None:
    server = NtpServer()
    async with server.running():
        pass
    given = present()
    given.state["offset"] = ["E", "the clock is 60 s ahead"]
    seen = await look(at(server), given=given)

    assert Condition("Clock offset", "E", "", "the clock is 60 s ahead") in seen


async def test_more_than_half_of_the_servers_must_say_so() -> None:
    verdicts = []
    async with (
        NtpServer().running() as one,
        NtpServer().running() as two,
        NtpServer().running() as three,
    ):
        for one.ahead, two.ahead, three.ahead in ((60, 0, 0), (60, 60, 0), (60, 60, 60)):
            pair = names(await look(at(one), at(three)))
            verdicts.append((pair, names(await look(at(one), at(two), at(three)))))

    assert verdicts == [
        ([], []),
        ([], ["Clock offset"]),
        (["Clock offset"], ["Clock offset"]),
    ]


async def test_a_silent_server_is_named_and_does_not_hide_others() -> None:
    silent = NtpServer(respond=lambda _nonce, _now: [])
    async with silent.running(), NtpServer(ahead=60).running() as server:
        begun = trio.current_time()
        seen = await look(at(silent, event_type="E"), at(server), timeout=Duration(0.3))
        taken = trio.current_time() - begun

    assert [(item.alertname, item.event_type) for item in conditions(seen)] == [
        ("NTP server not answering", "E"),
        ("Clock offset", "E"),
    ]
    instance = f"127.0.0.1:{silent.port}"
    assert messages(seen)[0] == f"{instance} gives no answer within 0.3 s"
    assert len({asked[40:] for asked in silent.questions}) == len(silent.questions) > 0
    assert taken < 5


async def test_a_server_that_does_not_run_is_named_until_it_runs() -> None:
    async with NtpServer().running() as server:
        up = await look(at(server))
    down = await look(at(server))
    async with server.running():
        again = await look(at(server))

    said = f"127.0.0.1:{server.port} cannot be asked: Connection refused"
    assert (names(up), messages(down), names(again)) == ([], [said], [])


async def test_what_was_said_holds_until_a_server_answers_again() -> None:
    given = present()
    async with NtpServer(ahead=60).running() as server:
        wrong = await look(at(server), given=given)
    down = await look(at(server), given=given)
    server.ahead = 0
    async with server.running():
        right = await look(at(server), given=given)
    later = await look(at(server), given=given)

    assert names(wrong) == ["Clock offset"]
    assert names(down) == ["NTP server not answering", "Clock offset"]
    assert messages(down)[1] == messages(wrong)[0]
    assert (names(right), names(later)) == ([], ["NTP server not answering"])


async def test_a_lost_datagram_is_sent_again() -> None:
    server = NtpServer()
    server.respond = lambda nonce, now: [answer(nonce, now)] if len(server.questions) > 1 else []
    async with server.running():
        seen = await look(at(server), timeout=Duration(1.5))

    assert names(seen) == []
    assert len(server.questions) == 2


async def test_a_replay_and_garbage_are_passed_over_for_the_true_answer() -> None:
    def respond(nonce: bytes, now: float) -> list[bytes]:
        replay = answer(bytes(8), now + 3600)
        echo = bytes(40) + nonce
        return [b"", b"\xff" * 48, replay, echo, answer(nonce, now)[:47], answer(nonce, now)]

    async with NtpServer(respond=respond).running() as server:
        seen = await look(at(server))

    assert names(seen) == []
    assert len(server.questions) == 1


async def test_garbage_without_end_is_a_silent_server() -> None:
    async with NtpServer(respond=lambda _nonce, now: [answer(bytes(8), now)] * 50).running() as bad:
        seen = await look(at(bad), timeout=Duration(0.3))

    assert names(seen) == ["NTP server not answering"]


@pytest.mark.parametrize(
    ("respond", "said"),
    [
        (
            lambda nonce, now: [answer(nonce, now, stratum=0, reference=b"DENY")],
            "it refuses to answer (kiss-o'-death DENY)",
        ),
        (lambda nonce, now: [answer(nonce, now, leap=3)], "its own clock is not synchronised"),
        (lambda nonce, now: [answer(nonce, now, now - 1)], "its times contradict each other"),
    ],
)
async def test_a_server_that_has_no_time_to_give_is_not_asked_again(
    respond: Respond, said: str
) -> None:
    async with NtpServer(respond=respond).running() as server:
        seen = await look(at(server))

    assert messages(seen) == [f"127.0.0.1:{server.port}: {said}"]
    assert len(server.questions) == 1


async def test_a_late_answer_leaves_the_clock_in_doubt() -> None:
    server = NtpServer()

    def respond(nonce: bytes, now: float) -> list[bytes]:
        return [answer(nonce, now + 1.0, now + 1.0, delay=1.5)]

    server.respond = respond
    async with server.running():
        seen = await look(at(server))

    assert names(seen) == []


async def test_a_run_ends_before_the_modules_timeout() -> None:
    silent = NtpServer(respond=lambda _nonce, _now: [])
    async with silent.running():
        with trio.fail_after(0.5):
            seen = await look(at(silent), timeout=Duration(60))

    assert names(seen) == ["NTP server not answering"]


async def test_a_name_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    unknown = await look(TimeServer("ntp.example.invalid"))
    monkeypatch.undo()
    nonsense = await look(TimeServer("a" * 70))

    said = "ntp.example.invalid cannot be asked: Name or service not known"
    assert messages(unknown) == [said]
    assert messages(nonsense) == [f"{'a' * 70} cannot be asked: it is not a host name"]


async def test_the_first_address_that_answers_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with NtpServer(ahead=60).running() as server:
        resolve_to(monkeypatch, ("::1", server.port), ("127.0.0.1", server.port))
        seen = await look(TimeServer("ntp.example.invalid"))

    assert names(seen) == ["Clock offset"]


async def test_another_address_is_asked_when_the_first_does_not_know_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        NtpServer(respond=lambda nonce, now: [answer(nonce, now, leap=3)]).running() as lost,
        NtpServer(ahead=60).running() as right,
    ):
        resolve_to(monkeypatch, ("127.0.0.1", lost.port), ("127.0.0.1", right.port))
        seen = await look(TimeServer("ntp.example.invalid"))
        resolve_to(monkeypatch, ("127.0.0.1", lost.port), ("127.0.0.1", 9))
        silent = await look(TimeServer("ntp.example.invalid"))

    assert names(seen) == ["Clock offset"]
    assert messages(silent) == ["ntp.example.invalid: its own clock is not synchronised"]


async def test_what_the_kernel_says_fires_and_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = []
    for max_error in (0.016, 16.0, 0.016):
        found = KernelClock(max_error, 0, 10000)
        monkeypatch.setattr(kernel_clock, "read", lambda found=found: found)
        seen = list(await clock.run(present(), Params()))
        measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}
        verdicts.append((names(seen), measured["clock_synchronised"]))

    assert verdicts == [([], 1.0), (["Clock not synchronised"], 0.0), ([], 1.0)]
    assert measured["clock_max_error_seconds"] == 0.016


async def test_a_kernel_that_refuses_is_a_failed_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> KernelClock:
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(kernel_clock, "read", refuse)
    with pytest.raises(CheckFailed, match="Operation not permitted; write synchronised = false"):
        await clock.run(present(), Params())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"synchronised": False}, "nothing to look at"),
        ({"max_offset": Limit.of(Duration(60))}, "between 0 and error_offset"),
        (
            {"max_offset": Limit((("W", 1),)), "error_offset": Duration(5)},
            "error_offset is of no use beside a table",
        ),
        ({"timeout": Duration(0)}, "is 0 or less"),
        ({"servers": (TimeServer("a"), TimeServer("a"))}, "has a more than once"),
    ],
)
def test_wrong_parameters_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Params(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": ""}, "is not a host"),
        ({"host": "a", "port": 0}, "is not a port"),
        ({"host": "a", "event_type": " "}, "is empty"),
    ],
)
def test_wrong_servers_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TimeServer(**settings)
