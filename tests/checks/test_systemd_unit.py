"""The `systemd_unit` check with a systemctl of the test. tests/systemd has a real systemd."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import systemd_unit
from checks._processes.systemd_units import KINDS, PROPERTIES, Unit, full_name, parse
from checks.systemd_unit import ROOT_SLICE, Params, WatchedUnit, run
from supervisor.api import CheckFailed, Condition, Json, Limit, Measurement, Observation
from tests.support.check_context import context


def block(name: str, active: str = "active", sub: str = "running", **more: object) -> str:
    """Return the answer for one unit, with its properties in systemctl's own order."""
    given = {"Id": name, "Names": name, "LoadState": "loaded"}
    given |= {"ActiveState": active, "SubState": sub}
    return "".join(f"{key}={value}\n" for key, value in {**more, **given, **more}.items())


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory: its systemctl prints `answer` and writes what it was asked to `asked`."""
    script = f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\ncat {tmp_path}/answer\n'
    (tmp_path / "systemctl").write_text(script)
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


async def look(
    systemctl: Path,
    *blocks: str,
    units: tuple[WatchedUnit, ...] = (),
    state: dict[str, Json] | None = None,
    **params: Any,
) -> list[Observation]:
    (systemctl / "answer").write_text("\n".join([block(ROOT_SLICE, sub="active"), *blocks]))
    remembering = evolve(context(), state={} if state is None else state)
    return list(await run(remembering, Params(units=units, **params)))


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


def test_an_empty_sub_state_among_several_is_refused() -> None:
    with pytest.raises(ValueError, match="has an empty name"):
        WatchedUnit("a", ("running", ""))


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


async def test_a_unit_that_the_answer_leaves_out_fails_the_check(systemctl: Path) -> None:
    with pytest.raises(CheckFailed, match=r"says nothing about a\.service$"):
        await look(systemctl, units=(WatchedUnit("a"),))


async def test_an_empty_answer_fails_the_check(systemctl: Path) -> None:
    (systemctl / "answer").touch()
    with pytest.raises(CheckFailed, match=r"says nothing about -\.slice$"):
        await run(context(), Params())


async def test_an_answer_that_is_cut_fails_the_check(
    systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd_unit, "MAX_ANSWER_BYTES", 1000)
    with pytest.raises(CheckFailed, match="the answer of systemctl is longer than"):
        await look(systemctl, *[block(f"{number}.service") for number in range(100)])


async def test_without_systemd_the_check_fails_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    (tmp_path / "systemctl").write_text(
        "#!/bin/sh\nprintf 'System has not been booted.\\nHost is down\\n' >&2\nexit 1\n"
    )
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CheckFailed) as not_booted:
        await run(context(), Params())
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(CheckFailed) as not_installed:
        await run(context(), Params())

    assert str(not_booted.value) == ("cannot ask systemd: System has not been booted. Host is down")
    assert "cannot run systemctl" in str(not_installed.value)


async def test_a_systemd_that_does_not_answer_ends_with_the_run(systemctl: Path) -> None:
    (systemctl / "systemctl").write_text("#!/bin/sh\nexec sleep 600\n")
    with trio.fail_after(5), trio.move_on_after(0.3) as module:
        await run(context(), Params())

    assert module.cancelled_caught


LINES = st.one_of(
    st.text(max_size=20),
    st.builds("{}={}".format, st.sampled_from(PROPERTIES), st.text(max_size=20)),
)


@given(st.lists(LINES, max_size=20).map("\n".join))
def test_any_answer_is_read(text: str) -> None:
    for unit in parse(text):
        assert unit.name in unit.aliases
        assert unit.restarts is None or unit.restarts >= 0


WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=9)
UNITS = st.builds(
    Unit,
    name=WORDS.map("{}.service".format),
    aliases=st.just(frozenset[str]()),
    load=WORDS,
    active=WORDS,
    sub=WORDS,
    result=WORDS,
    status=WORDS,
    restarts=st.none() | st.integers(0, 2**32),
).map(lambda unit: evolve(unit, aliases=frozenset([unit.name, "x.service"])))


@given(st.lists(UNITS), st.randoms())
def test_an_answer_about_units_is_read(units: list[Unit], order: Any) -> None:
    blocks = []
    for unit in units:
        lines = [
            f"Id={unit.name}",
            f"Names={unit.name} x.service",
            f"LoadState={unit.load}",
            f"ActiveState={unit.active}",
            f"SubState={unit.sub}",
            f"Result={unit.result}",
            f"ExecMainStatus={unit.status}",
            *([] if unit.restarts is None else [f"NRestarts={unit.restarts}"]),
        ]
        order.shuffle(lines)
        blocks.append("\n".join(lines) + "\n")

    assert list(parse("\n".join(blocks))) == units


@given(st.text(max_size=20) | st.from_regex(r"[a-z@.]{1,9}", fullmatch=True))
def test_a_name_is_understood_or_refused(name: str) -> None:
    try:
        full = full_name(name)
    except ValueError as error:
        assert "; write " in str(error)  # noqa: PT017
    else:
        assert full.rpartition(".")[2] in KINDS
        assert full in (name, f"{name}.service")
        assert full_name(full) == full
        assert not set(full) & set("*?[/ \n")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "is not a unit; write for example 'ssh.service'"),
        ({"name": "a*"}, "is not a unit"),
        ({"name": "/home"}, "is not a unit"),
        ({"name": "getty@"}, "is a template; write one of its units"),
        ({"name": "getty@.service"}, "is a template; write one of its units"),
        ({"name": "x" * 250}, "is not a unit"),
        (
            {"name": "a", "max_restarts": Limit.of(-1)},
            "-1 is not a number of restarts; write 0 or more",
        ),
        ({"name": "a", "event_type": ""}, "is empty; write for example 'E'"),
    ],
)
def test_units_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WatchedUnit(**wrong)


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has a\.service more than once"):
        Params((WatchedUnit("a"), WatchedUnit("a.service")))
    with pytest.raises(ValueError, match="there is nothing to look at"):
        Params(failed=False)
    with pytest.raises(ValueError, match="is empty; write for example 'E'"):
        Params(failed_event_type=" ")
