"""Buckets and the last runs, compared with plain lists."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.stats.histogram import BOUNDS, Histogram
from supervisor.stats.recent_runs import KEPT, RESULTS, RecentRuns

seconds = st.floats(0, 1000) | st.sampled_from(BOUNDS)


@given(st.lists(seconds))
def test_each_bucket_counts_what_is_at_most_its_bound(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)

    expected = [sum(value <= bound for value in values) for bound in BOUNDS]
    assert histogram.cumulative() == [*expected, len(values)]
    assert histogram.total == pytest.approx(sum(values))  # since 3.12 sum() rounds but once


@given(st.integers(0, 3 * KEPT), st.data())
def test_only_the_last_runs_are_remembered_in_their_order(count: int, data: st.DataObject) -> None:
    recent, model = RecentRuns(), []
    result = data.draw(st.sampled_from(RESULTS))
    for number in range(count):
        recent.add(float(number), number / 7, result)
        model.append((float(number), struct.unpack("f", struct.pack("f", number / 7))[0], result))

    assert [(past.started, past.seconds, past.result) for past in recent] == model[-KEPT:]
    assert len(recent) == len(model[-KEPT:])
