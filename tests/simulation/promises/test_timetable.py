"""The judge's own idea of grids agrees with the supervisor's, which was written apart from it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.schedule.schedule import Grid, build
from tests.simulation.events import Timed
from tests.simulation.promises.timetable import grids
from tests.simulation.scenario import HOST, SERVICE

EVERY = st.sampled_from([0.5, 1.0, 2.0, 7.0, 10.0, 15.0, 30.0, 60.0, 61.5, 120.0, 3600.0])


@given(st.lists(EVERY, max_size=120))
def test_judge_and_supervisor_agree_where_grids_begin(intervals: list[float]) -> None:
    modules = [
        Module("scripted", f"m{number}", every=Duration(every))
        for number, every in enumerate(intervals)
    ]
    expected = grids(
        Timed(module.name, module.every, (), 600.0, enabled=True) for module in modules
    )

    found = build(modules, service=SERVICE, host=HOST, timezone=ZoneInfo("UTC"))

    for name, grid in found.items():
        assert isinstance(grid, Grid)
        assert grid.offset == pytest.approx(expected[name].offset)
