"""One cause writes some lines a minute; what an alert does is always logged."""

from __future__ import annotations

import logging

from supervisor.host.log.limit import MAX_CAUSES, MAX_LINES, LogLimit


def logged(
    limit: LogLimit, moment: float, text: str, level: int = logging.ERROR, **extra: object
) -> str | None:
    """Return the message that is written at a moment, None if it is left out."""
    record = logging.LogRecord("trio", level, "", 0, "%s", (text,), None)
    record.created = moment
    record.__dict__.update(extra)
    return record.getMessage() if limit.filter(record) else None


def test_a_cause_that_repeats_ten_times_a_second_writes_ten_lines_a_minute() -> None:
    limit = LogLimit()
    lines = [logged(limit, moment / 10, "EMFILE") for moment in range(1201)]
    written = [(number / 10, line) for number, line in enumerate(lines) if line]

    assert 2 * MAX_LINES + 1 == len(written)
    assert (0.0, "EMFILE") == written[0]
    assert (0.9, "EMFILE (more of this within a minute is left out)") == written[9]
    assert (60.0, f"EMFILE (left out since then: {600 - MAX_LINES} more)") == written[10]
    assert (61.0 - 0.1, "EMFILE (more of this within a minute is left out)") == written[19]


def test_causes_are_counted_apart() -> None:
    limit = LogLimit()
    for number in range(3 * MAX_LINES):
        logged(limit, 0, "one")
        assert f"another {number}" == logged(limit, 0, f"another {number}")

    assert logged(limit, 1, "one") is None


def test_what_is_not_a_warning_and_what_an_alert_does_is_always_written() -> None:
    limit = LogLimit()

    for _ in range(3 * MAX_LINES):
        assert "run" == logged(limit, 0, "run", logging.INFO)
        assert "FIRING" == logged(limit, 0, "FIRING", verb="FIRING")


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    limit = LogLimit()
    for _ in range(2 * MAX_LINES):
        logged(limit, 1000, "x")

    assert f"x (left out since then: {MAX_LINES} more)" == logged(limit, 10, "x")


def test_only_some_causes_are_remembered() -> None:
    limit = LogLimit()
    for number in range(3 * MAX_CAUSES):
        logged(limit, 0, f"cause {number}")

    assert MAX_CAUSES == len(limit._counts)
