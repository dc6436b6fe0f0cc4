"""The `clock` check: clocks that are right, wrong, and right again."""

from __future__ import annotations

import os

import pytest

from checks import clock
from checks._kernel import clock as kernel_clock
from checks._kernel.clock import KernelClock
from checks.clock import Params
from supervisor.api import CheckFailed, Condition, Duration, Limit, Measurement
from tests.checks.clock_bench import at, conditions, look, messages, names, present
from tests.support.ntp_server import NtpServer


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
