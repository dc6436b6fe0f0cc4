"""Answers of systemctl: whole, cut, empty, late, or of any other kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import systemd_unit
from checks._processes.systemd_units import PROPERTIES, Unit, parse
from checks.systemd_unit import Params, WatchedUnit, run
from supervisor.api import CheckFailed
from tests.checks.systemd_unit_bench import block, look, systemctl
from tests.support.check_context import context

__all__ = ["systemctl"]  # a fixture


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
