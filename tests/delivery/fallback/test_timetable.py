"""When messages are due."""

from __future__ import annotations

from supervisor.config.fallback.fallback import Fallback
from supervisor.delivery.fallback.record import Attempt, ChannelRecord
from supervisor.delivery.fallback.timetable import Timetable

SETTINGS = Fallback()
HOUR = 3600.0


def spread(host: str) -> float:
    return Timetable.of(SETTINGS, "KOR", host).spread


def test_a_fleet_is_spread_over_a_sixth_of_the_period() -> None:
    found = sorted(spread(f"host{number}") for number in range(50))

    assert 0 <= found[0] < found[-1] < HOUR / 6
    minutes = [sum(each // 60 == minute for each in found) for minute in range(10)]
    assert max(minutes) <= 12
    assert len({round(each) for each in found}) > 40


def test_a_host_has_always_the_same_spread() -> None:
    assert spread("kor1") == spread("kor1") != spread("kor2")


def test_a_try_that_was_refused_is_repeated_after_the_period() -> None:
    table = Timetable(SETTINGS, 0.0)
    refused = ChannelRecord(attempt=Attempt("digest", 1000.0, 1, 1000.0, refused=True))

    assert table.digest_due(0.0, refused) == 1000.0 + HOUR


def test_the_wait_grows_to_a_minute_and_no_more() -> None:
    table = Timetable(SETTINGS, 1.0)
    tries = [ChannelRecord(attempt=Attempt("end", 0.0, count, 0.0)) for count in range(1, 40)]
    waits = [table.end_due(each) for each in tries]

    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert max(waits) == 60


def test_the_wait_for_another_message_does_not_count() -> None:
    table = Timetable(SETTINGS, 0.0)
    ending = ChannelRecord(attempt=Attempt("end", 0.0, 9, 5000.0))

    assert table.digest_due(0.0, ending) == 600
