"""The `systemd_unit` check with a systemctl of the test. tests/systemd has a real systemd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checks.systemd_unit import WatchedUnit
from supervisor.api import Condition, Json, Limit, Measurement, Observation
from tests.checks.systemd_unit_bench import block, look, systemctl

__all__ = ["systemctl"]  # a fixture


def fired(seen: list[Observation]) -> list[tuple[str, str, str, str]]:
    return [
        (item.alertname, item.event_type, item.instance, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


async def test_one_call_asks_for_all_units(systemctl: Path) -> None:
    ssh, timer = block("ssh.service"), block("apt.timer")
    await look(systemctl, ssh, timer, units=(WatchedUnit("ssh"), WatchedUnit("apt.timer")))
    with_failed = (systemctl / "asked").read_text().split("\n")
    await look(systemctl, ssh, units=(WatchedUnit("ssh"),), failed=False)
    without = (systemctl / "asked").read_text().split("\n")

    assert with_failed[-6:] == ["--", "-.slice", "ssh.service", "apt.timer", "*", ""]
    assert "--state=failed" in with_failed
    assert without[-4:] == ["--", "-.slice", "ssh.service", ""]


@pytest.mark.parametrize(
    ("answer", "sub_state", "message"),
    [
        (block("a.service"), "", ""),
        (block("a.service", "reloading", "reload"), "", ""),
        (block("a.service"), "running", ""),
        (block("a.service", "active", "exited"), "", ""),
        (block("a.service", "active", "exited"), "running", "is active (exited), expected running"),
        (block("a.service", "inactive", "dead", Result="success"), "", "is inactive (dead)"),
        (block("a.service", "activating", "auto-restart"), "", "is activating (auto-restart)"),
        (
            block("a.service", "failed", "failed", Result="exit-code", ExecMainStatus=203),
            "",
            "is failed (failed), result exit-code, status 203",
        ),
        (
            "Id=a.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n",
            "",
            "is not known to systemd",
        ),
        (
            "Id=a.service\nLoadState=not-found\nActiveState=failed\nSubState=failed\nResult=signal\n",
            "",
            "is not known to systemd and is failed (failed), result signal",
        ),
        ("Id=a.service\nLoadState=masked\nActiveState=inactive\n", "", "is masked"),
        ("Id=a.service\nLoadState=bad-setting\n", "", "cannot be loaded: bad-setting"),
        (block("b.service", "failed", "failed", Names="b.service a.service"), "", "is failed"),
    ],
)
async def test_a_unit_must_be_active(
    systemctl: Path, answer: str, sub_state: str, message: str
) -> None:
    seen = fired(
        await look(systemctl, answer, units=(WatchedUnit("a", sub_state, event_type="W"),))
    )

    assert [each[:3] for each in seen] == (
        [("Unit not active", "W", "a.service")] if message else []
    )
    assert all(text.startswith(f"a.service {message}") for *_, text in seen)


@pytest.mark.parametrize(
    ("name", "sub_state", "right", "wrong"),
    [
        ("a.timer", "waiting", ("waiting", "running"), ("elapsed",)),
        ("a.path", "waiting", ("waiting", "running"), ("dead",)),
        ("a.automount", "waiting", ("waiting", "running"), ("dead",)),
        ("a.socket", "listening", ("listening", "running"), ("dead",)),
        ("a.socket", "running", ("running",), ("listening",)),
        ("a.swap", "active", ("active", "activating-done"), ("dead",)),
        ("a.service", "running", ("running",), ("exited", "waiting")),
        ("a.service", ("running", "exited"), ("running", "exited"), ("dead",)),
        ("a.timer", ("waiting", "elapsed"), ("waiting", "running", "elapsed"), ("dead",)),
        ("a.service", "", ("running", "exited", "x"), ()),
    ],
)
async def test_each_sub_state_of_a_unit_at_work_is_right(
    systemctl: Path,
    name: str,
    sub_state: str | tuple[str, ...],
    right: tuple[str, ...],
    wrong: tuple[str, ...],
) -> None:
    units = (WatchedUnit(name, sub_state),)
    seen = {
        sub: fired(await look(systemctl, block(name, sub=sub), units=units))
        for sub in (*right, *wrong)
    }

    assert [sub for sub, found in seen.items() if found] == [*wrong]


async def test_a_unit_that_reloads_is_as_it_must_be(systemctl: Path) -> None:
    reloading = block("a.service", "reloading", "reload-notify")
    seen = await look(systemctl, reloading, units=(WatchedUnit("a", "running"),))

    assert fired(seen) == []


async def test_any_failed_unit_counts_but_the_watched_and_the_ignored(systemctl: Path) -> None:
    names = ("watched.service", "apt-daily.service", "z.mount", "b.service")
    failed = [block(name, "failed", "failed") for name in (*names, "b.service")]
    given: dict[str, Any] = {"units": (WatchedUnit("watched"),), "ignore": ("apt-*",)}
    seen = await look(systemctl, *failed, failed_event_type="W", **given)
    none = await look(systemctl, *failed, failed=False, units=(WatchedUnit("watched"),))

    assert [each[:3] for each in fired(seen)] == [
        ("Unit not active", "E", "watched.service"),
        ("Unit failed", "W", "b.service"),
        ("Unit failed", "W", "z.mount"),
    ]
    assert fired(seen)[1][3] == "b.service is failed (failed)"
    assert Measurement("failed_units", 2) in seen
    assert [name for name, *_ in fired(none)] == ["Unit not active"]


async def test_restarts_are_counted_from_run_to_run(systemctl: Path) -> None:
    state: dict[str, Json] = {}
    messages = []
    for count in (5, 5, 6, 9, 2, 2):  # then it was started by hand
        answer = block("a.service", NRestarts=count)
        seen = await look(systemctl, answer, units=(WatchedUnit("a"),), state=state)
        messages.append([message for *_, message in fired(seen)])

        assert Measurement("unit_restarts", count, labels={"unit": "a.service"}) in seen

    restarted = "a.service was restarted {} since the last run; it is active (running)"
    assert messages == [
        [],
        [],
        [restarted.format("once")],
        [restarted.format("3 times")],
        [restarted.format("2 times")],
        [],
    ]
    assert json.loads(json.dumps(state)) == {"restarts": {"a.service": 2}}


async def test_a_number_of_restarts_may_be_allowed(systemctl: Path) -> None:
    async def after(restarts: int) -> list[Observation]:
        known: dict[str, Json] = {"restarts": {"a.service": 1}}
        answer = block("a.service", NRestarts=restarts)
        return await look(
            systemctl, answer, units=(WatchedUnit("a", max_restarts=Limit.of(2)),), state=known
        )

    allowed, more = await after(3), await after(4)

    assert fired(allowed) == []
    assert [each[:3] for each in fired(more)] == [("Unit restarted", "W", "a.service")]


async def test_many_restarts_may_be_graver_than_few(systemctl: Path) -> None:
    async def after(restarts: int) -> list[str]:
        known: dict[str, Json] = {"restarts": {"a.service": 1}}
        unit = WatchedUnit("a", max_restarts=Limit((("W", 0), ("E", 5))))
        answer = block("a.service", NRestarts=restarts)
        seen = await look(systemctl, answer, units=(unit,), state=known)
        return [event_type for _, event_type, *_ in fired(seen)]

    assert [await after(restarts) for restarts in (1, 2, 7)] == [[], ["W"], ["E"]]


@pytest.mark.parametrize("state", [None, [], "x", {"a.service": "3"}, {"a.service": -1}])
async def test_a_malformed_state_is_ignored(systemctl: Path, state: Json) -> None:
    answer = block("a.service", NRestarts=7)
    seen = await look(systemctl, answer, units=(WatchedUnit("a"),), state={"restarts": state})

    assert fired(seen) == []
