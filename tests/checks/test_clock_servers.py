"""NTP servers of the `clock` check: silent, hostile, late, and with several addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio

from checks.clock import TimeServer
from supervisor.api import Duration
from tests.checks.clock_bench import at, conditions, look, messages, names, present
from tests.support.ntp_server import NtpServer, answer

Respond = Callable[[bytes, float], list[bytes]]


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
