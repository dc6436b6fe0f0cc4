"""A systemctl of the test, and what the `systemd_unit` check makes of its answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from checks.systemd_unit import ROOT_SLICE, Params, WatchedUnit, run
from supervisor.api import Json, Observation
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
