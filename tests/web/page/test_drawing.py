"""How the status page draws and words times."""

from __future__ import annotations

import pytest

from supervisor.stats.recent_runs import PastRun
from supervisor.web.page import drawing, durations
from tests.support.web_bench import WebBench, modules
from tests.web.page.reading import html_of


def test_bars_show_durations_and_outcomes() -> None:
    runs = [PastRun(number, 0.01, "ok") for number in range(98)]
    picture = drawing.bars([*runs, PastRun(98, 0.09, "conditions"), PastRun(99, 0.001, "failed")])

    assert [path.style for path in picture.paths] == ["ok", "conditions", "failed"]
    assert picture.paths[0].outline.startswith("M1 240v-80M3 240v-80")
    assert picture.paths[1].outline == "M197 240v-240"
    assert picture.paths[2].outline == "M199 240v-240"
    assert picture.words == ("100 runs, 1 with conditions, 1 failed; 10 ms usually, 90 ms at most")


def test_a_lane_shows_the_last_hour_and_its_unknown_part() -> None:
    end = 10_000.0
    few = drawing.lane(
        [PastRun(6000, 1, "ok"), PastRun(7000, 1, "ok"), PastRun(9900, 60, "timeout")], end
    )
    many = drawing.lane([PastRun(8000 + 10 * n, 1, "ok") for n in range(100)], end)

    assert [(path.style, path.outline) for path in few.paths] == [
        ("ok", "M600 0v10"),
        ("timeout", "M3500 0h60v10h-60z"),
    ]
    assert few.words == "2 runs, 1 timed out in the last hour"
    assert many.paths[0] == drawing.Path("unknown", "M0 0h1600v10h-1600z")
    assert drawing.lane([], end).words == "no run"


def test_one_run_is_not_called_runs() -> None:
    bench = WebBench.make(*modules(2))
    bench.run("disk-0")
    html = html_of(bench)

    assert '1<span class="label"> run</span>' in html
    assert '0<span class="label"> runs</span>' in html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0.4 ms"), (0.012, "12 ms"), (0.25, "0.25 s"), (12, "12 s"), (300, "5 min")],
)
def test_short_durations_are_worded(seconds: float, text: str) -> None:
    assert text == durations.brief(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (125, "2 min"), (11100, "3 h 5 min"), (1_051_200, "12 d 4 h"), (-1, "0 s")],
)
def test_long_durations_are_worded(seconds: float, text: str) -> None:
    assert text == durations.span(seconds)
