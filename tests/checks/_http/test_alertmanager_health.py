"""The counters and the cluster of an Alertmanager, also in hostile answers."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks._http import alertmanager_health
from checks._http.alertmanager_health import Health, Increase, increase, read_metrics, read_status
from supervisor.api import Json

LIVING = ("alertmanager_config_last_reload_successful 1", "process_start_time_seconds 1")
FAILED = "alertmanager_notifications_failed_total"
HEALTH = Health(100.0, {"email": 9}, {"email": 1}, {"email": 2}, dropped={"too many": 3})


def test_a_reason_and_further_labels_are_summed_up() -> None:
    said = r"""
alertmanager_notifications_failed_total{integration="email",reason="other"} 1
alertmanager_notifications_failed_total{reason="clientError",integration="email"} 2 1700000000000
alertmanager_notifications_failed_total{receiver="a,integration=\"x\"",integration="slack"} 4e0
alertmanager_notifications_failed_total{integration="email" oops
alertmanager_notifications_failed_total{integration="email"} NaN
alertmanager_config_last_reload_successful 1
process_start_time_seconds 1.79e+09
"""
    found = read_metrics(said)

    assert found == Health(1.79e9, {}, {"email": 3.0, "slack": 4.0}, {})


def test_a_peer_that_has_never_notified_is_healthy() -> None:
    assert read_metrics("\n".join(LIVING)) == Health(1.0, {}, {}, {})


def test_a_peer_cannot_fill_the_state() -> None:
    names = [*map(str, range(1000)), "x" * 1000]
    lines = [f'alertmanager_notifications_failed_total{{integration="{n}"}} 1' for n in names]
    found = read_metrics("\n".join([*lines, *lines, *LIVING]))

    assert found.failed == {str(number): 2.0 for number in range(100)}


def test_the_first_run_counts_nothing_and_the_start_may_be_off_by_a_little() -> None:
    assert increase(None, HEALTH) == Increase()
    assert increase(HEALTH, evolve(HEALTH, started=101.0)) == Increase()
    assert increase(HEALTH, evolve(HEALTH, started=200.0)) == Increase(
        {"email": 9}, {"email": 1}, {"email": 2}, {"too many": 3}
    )


def test_what_was_dropped_before_the_state_knew_of_it_is_not_counted() -> None:
    kept = alertmanager_health.to_state(HEALTH)
    assert isinstance(kept, dict)
    before = alertmanager_health.from_state({k: v for k, v in kept.items() if k != "dropped"})
    more = evolve(HEALTH, dropped={"too many": 5})

    assert increase(before, HEALTH) == Increase()
    assert increase(HEALTH, more) == Increase(dropped={"too many": 2})


def test_each_way_to_drop_an_alert_is_summed_up() -> None:
    said = """
alertmanager_alerts_limited_total{alertname="a"} 1
alertmanager_alerts_limited_total{alertname="b"} 2
alertmanager_dispatcher_aggregation_group_limit_reached_total 4
alertmanager_dispatcher_aggregation_group_creation_given_up_total 0
"""
    dropped = read_metrics("\n".join([said, *LIVING])).dropped or {}

    assert [*dropped.values()] == [3, 4, 0]


def test_the_state_is_read_back() -> None:
    kept = json.loads(json.dumps(alertmanager_health.to_state(HEALTH)))

    assert alertmanager_health.from_state(kept) == HEALTH


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["started", "notifications", "failed", "attempts_failed", "dropped"])


@given(JSON | st.dictionaries(NAMES, JSON))
def test_any_state_is_read_or_left_out(value: Json) -> None:
    increase(alertmanager_health.from_state(value), HEALTH)


@given(st.binary() | JSON.map(lambda value: json.dumps({"cluster": value}).encode()))
def test_any_status_is_read_or_refused(body: bytes) -> None:
    with suppress(ValueError):
        assert all(isinstance(member, str) for member in read_status(body).members)


def test_a_status_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="its status is not an Alertmanager's"):
        read_status(b'{"cluster": ' + b"[" * 100_000)


LINES = st.lists(
    st.text()
    | st.builds(
        "{}{{{}}} {}".format,
        st.sampled_from([FAILED, *(line.split()[0] for line in LIVING)]),
        st.text(max_size=20) | st.builds('integration="{}"'.format, st.text(max_size=5)),
        st.floats() | st.text(max_size=5),
    )
)


@given(LINES)
def test_any_metrics_are_read_or_refused(lines: list[str]) -> None:
    try:
        found = read_metrics("\n".join([*LIVING, *lines]))
    except ValueError:
        return

    assert math.isfinite(found.started)
    assert all(count >= 0 for count in increase(HEALTH, found).failed.values())


@pytest.mark.parametrize("piece", ['a="\\', "a", "} ", '"', "{", "a=", " 1"])
def test_hostile_metrics_are_read_in_linear_time(piece: str) -> None:
    many = piece * (1_000_000 // len(piece))
    with pytest.raises(ValueError, match="not an Alertmanager's"):
        read_metrics(f"{FAILED}{{{many}}} 1\n{FAILED}{{{many}\n{LIVING[0]}")


@pytest.mark.parametrize("piece", ['a="\\"', '="",a', "a", "} ", '"', "{", "a=", " 1", ",", "\\"])
def test_many_hostile_lines_are_read_in_time(piece: str) -> None:
    line = f"{FAILED}{{{piece * 5000}"[: alertmanager_health.MAX_LINE_CHARACTERS]
    text = "\n".join([line] * (1_000_000 // len(line)))
    started = time.thread_time()

    with pytest.raises(ValueError, match="not an Alertmanager's"):
        read_metrics(text)
    assert time.thread_time() - started < 10


@pytest.mark.parametrize(
    "line",
    [
        FAILED,
        f"{FAILED}1",
        f"{FAILED} ",
        f"{FAILED} {'9' * 400}",
        f"{FAILED} {'9' * 4000}",
        f"{FAILED} 1_0",
        f"{FAILED} +Inf",
        f"{FAILED}{{a}} 1",
        f'{FAILED}{{ ="x"}} 1',
        f'{FAILED}{{integration="a",integration="b"}} 1',
        f'{FAILED}{{integration="a"}}',
        f'{FAILED}{{integration="a}} 1',
        f"{FAILED}_more 1",
    ],
)
def test_a_line_without_a_number_to_use_is_passed_over(line: str) -> None:
    assert read_metrics("\n".join([line, *LIVING])).failed == {}
