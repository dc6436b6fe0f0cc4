"""A day of a value that swings round its limit: the mails that the shipped configuration makes.

The recorder and the sender are the real ones, in virtual time. The Alertmanager is the model of
`tests/simulation/alertmanager`. `tests/e2e/test_limits_mail.py` has a real one, for seconds.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml
from trio.testing import MockClock

from supervisor.config.limits.limit import Limit
from supervisor.delivery.replies import Answer
from supervisor.text import parse_duration
from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.notification import Reason
from tests.simulation.alertmanager.settings import Settings
from tests.support.fake_client import OK, START, Post
from tests.support.recorder_bench import ONE, RecorderBench, no_threads

__all__ = ["no_threads"]  # a fixture

ROOT = Path(__file__).parent.parent.parent
MINUTES = 24 * 60
INTERVALS = ("group_wait", "group_interval", "repeat_interval")


def shipped() -> Settings:
    """Return how conditions are grouped, and when, in the shipped configuration."""
    text = (ROOT / "configs/alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    route: dict[str, Any] = yaml.safe_load(text)["route"]
    wait, interval, repeat = (parse_duration(route[name]) for name in INTERVALS)
    return Settings(tuple(route["group_by"]), wait, interval, repeat)


async def mails(nursery: trio.Nursery, limit: Limit[int], values: list[int]) -> list[Reason]:
    """Return why each mail was sent, given what each minute's run has seen."""
    bench = RecorderBench.make(ONE)
    manager = Alertmanager(shipped(), START)

    def take(post: Post) -> Answer:
        assert manager.post(post.alerts, bench.clock.now()).status == 200
        return OK

    bench.clients[ONE].respond = take
    await bench.live(nursery)
    for minute, value in enumerate(values):
        await bench.until(minute * 60)
        crossing = limit.above(value, "W")
        await bench.see(*([crossing.condition("Disk usage", "/", "full")] if crossing else []))
    await bench.until(len(values) * 60)
    return [mail.reason for mail in manager.advance(bench.clock.now())]


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize(
    ("clear", "expected"),
    [
        (75, {Reason.FIRST: 1, Reason.REPEAT: 23}),  # one mail, and one an hour while it lasts
        (None, {Reason.FIRST: MINUTES // 2, Reason.RESOLVED: MINUTES // 2}),  # one a crossing
    ],
)
async def test_a_day_of_swings_is_one_mail_with_a_band_and_one_a_crossing_without(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    clear: int | None,
    expected: dict[Reason, int],
) -> None:
    limit = Limit((("W", 80), ("E", 95)), clear)

    assert Counter(await mails(nursery, limit, [81, 79] * (MINUTES // 2))) == expected


@pytest.mark.usefixtures("no_threads")
async def test_each_change_of_type_is_one_mail(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    limit = Limit((("W", 80), ("E", 95)), clear=75)
    values = [value for value in (80, 96, 85, 70) for _ in range(10)]

    assert await mails(nursery, limit, values) == [Reason.FIRST, Reason.NEW_ALERTS, Reason.RESOLVED]
