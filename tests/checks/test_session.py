"""The `session` check on real sockets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import trio

from checks import session
from checks.session import LocalPort, Params, run
from supervisor.api import Condition, Limit, Measurement
from tests.support.check_context import context
from tests.support.hanging_call import Hanging
from tests.support.tcp_sessions import MAPPED, REFUSE_NETLINK, sessions

BLIND = f"""{REFUSE_NETLINK}
import errno, trio
from checks._kernel import tcp_sessions
from checks.session import Params, run
from supervisor.api import CheckFailed
refuse_netlink(errno.EAFNOSUPPORT)
tcp_sessions.TABLES = ("/proc/missing",)
try:
    trio.run(run, None, Params())
except CheckFailed as error:
    print(error)
"""


async def seen(params: Params) -> list[Condition]:
    return [item for item in await run(context(), params) if isinstance(item, Condition)]


async def test_strictly_more_or_fewer_than_the_limit_fires() -> None:
    with sessions(3) as port:
        wrong = {
            (when, limit)
            for when in ("over", "under")
            for limit in (2, 3, 4)
            if await seen(Params(sessions=(LocalPort("x", port, Limit.of(limit), when),)))
        }

    assert wrong == {("over", 2), ("under", 4)}


async def test_a_session_that_ends_resolves_it() -> None:
    with sessions(2) as port:
        params = Params(sessions=(LocalPort("x", port, Limit.of(1)),))
        (condition,) = await seen(params)
    after = await seen(params)

    assert (condition.alertname, condition.event_type, condition.instance) == (
        "Session count",
        "W",
        "x",
    )
    assert after == []


async def test_without_alert_it_is_only_measured() -> None:
    with sessions(2) as port:
        found = list(
            await run(context(), Params(sessions=(LocalPort("x", port, Limit.of(0), alert=False),)))
        )

    assert not [item for item in found if isinstance(item, Condition)]
    assert 2.0 in [item.value for item in found if isinstance(item, Measurement)]


async def test_ipv4_and_ipv6_are_counted_and_shown_whether_they_alert_or_not() -> None:
    with sessions(3) as four, sessions(4, "::1") as six, sessions(5, MAPPED) as mapped:
        params = Params(
            sessions=(
                LocalPort("four", four, Limit.of(2), event_type="S"),
                LocalPort("six", six, Limit.of(5), "under", alert=False),
                LocalPort("mapped", mapped, Limit.of(6), "under"),
            )
        )
        observed = list(await run(context(), params))

    measured = {
        item.labels["session"]: item.value for item in observed if isinstance(item, Measurement)
    }
    assert measured.pop("total") >= 24
    assert measured == {"four": 3, "six": 4, "mapped": 5}
    assert [item for item in observed if isinstance(item, Condition)] == [
        Condition(
            "Session count",
            "S",
            "four",
            f"four has 3 established TCP sessions on port {four}, more than 2",
        ),
        Condition(
            "Session count",
            "W",
            "mapped",
            f"mapped has 5 established TCP sessions on port {mapped}, fewer than 6",
        ),
    ]


async def test_an_identity_stays_the_same_while_the_number_changes() -> None:
    with sessions(2) as port:
        params = Params(Limit.of(0), (LocalPort("x", port, Limit.of(0)),))
        few = await seen(params)
    with sessions(3) as port:
        many = await seen(Params(Limit.of(0), (LocalPort("x", port, Limit.of(0)),)))

    identities = [[(found.alertname, found.instance, found.labels) for found in few]]
    assert identities == [[(found.alertname, found.instance, found.labels) for found in many]]
    assert few[1].message != many[1].message


async def test_sessions_are_counted_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Hanging(Counter({80: 1}))
    monkeypatch.setattr(session, "count_sessions", counting)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, context(), Params())
        await counting.begun()  # this task goes on while the count hangs
        counting.released.set()

    assert counting.calls == 1


@pytest.mark.skipif(
    os.uname().machine not in ("x86_64", "aarch64"), reason="the number of a system call"
)
def test_where_neither_netlink_nor_proc_can_be_read_the_check_fails() -> None:
    argv = [sys.executable, "-c", BLIND]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)

    assert done.stdout == "cannot count the TCP sessions: No such file or directory\n"


async def test_the_total_has_a_limit_of_its_own() -> None:
    with sessions(2):
        (condition,) = await seen(Params(max_total=Limit.of(1)))

    assert condition.instance == "total"


async def test_a_table_of_limits_has_two_types_and_a_band() -> None:
    upper, lower = Limit((("W", 4), ("E", 5)), clear=3), Limit((("W", 2), ("E", 1)), clear=3)
    found = []
    for count in (2, 3, 5, 6):
        with sessions(count) as port:
            watched = (LocalPort("over", port, upper), LocalPort("under", port, lower, "under"))
            seen_now = await seen(Params(sessions=watched))
            found.append([(each.instance, each.event_type, each.sustain) for each in seen_now])

    assert found == [
        [("under", "W", True)],
        [("over", "W", True), ("under", "W", True)],
        [("over", "W", False)],
        [("over", "E", False)],
    ]
    assert seen_now[0].message == (
        f"over has 6 established TCP sessions on port {port} (limit W 4, E 5, clear 3)"
    )


def test_limits_must_be_in_the_order_that_their_direction_asks_for() -> None:
    with pytest.raises(ValueError, match="is above W"):
        LocalPort("x", 1, Limit((("W", 1), ("E", 2))), "under")
    with pytest.raises(ValueError, match="is below W"):
        LocalPort("x", 1, Limit((("W", 2), ("E", 1))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "total", "port": 1, "limit": 1},
        {"name": "x", "port": 0, "limit": 1},
        {"name": "x", "port": 1, "limit": -1},
        {"name": " ", "port": 1, "limit": 1},
        {"name": "x", "port": 65536, "limit": 1},
        {"name": "x", "port": 1, "limit": 1, "event_type": " "},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"; |write"):
        LocalPort(**{**wrong, "limit": Limit.of(wrong["limit"])})


def test_a_name_given_twice_or_a_total_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^has x more than once; give each its own name$"):
        Params(sessions=(LocalPort("x", 1, Limit.of(1)), LocalPort("x", 2, Limit.of(1))))
    with pytest.raises(ValueError, match=r"^-1 is not a number of sessions; write 0 or more$"):
        Params(max_total=Limit.of(-1))
