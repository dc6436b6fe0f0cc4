"""What `run-now` is told of a run."""

from __future__ import annotations

from supervisor.observations import Condition, Measurement, Report, Run
from supervisor.stats.module_stats import ModuleStats
from supervisor.stats.outcome import MAX_TOLD, outcome

FULL = Condition("Disk usage", "W", "/", "/ is full", detail="<b>long</b>")


def run(*observations: Condition | Report | Measurement, error: str = "") -> Run:
    return Run("disk", 0.0, 0.0, seconds=2.0, observations=observations, error=error)


def test_what_a_run_has_not_seen_has_no_key() -> None:
    assert outcome(run()) == {"module": "disk", "result": "ok", "seconds": 2.0}


def test_an_outcome_tells_what_was_seen() -> None:
    assert outcome(run(FULL, Report("Daily", "fine"), Measurement("free", 1.0))) == {
        "module": "disk",
        "result": "conditions",
        "seconds": 2.0,
        "conditions": [
            {"alertname": "Disk usage", "event_type": "W", "instance": "/", "message": "/ is full"}
        ],
        "reports": [{"alertname": "Daily", "event_type": "I", "instance": "", "message": "fine"}],
        "measurements": 1,
    }
    assert outcome(run(error="cannot look"))["failure"] == "cannot look"


def test_an_outcome_is_bounded() -> None:
    found = outcome(run(*[FULL] * (MAX_TOLD + 3)))

    assert (len(found["conditions"]), found["left_out"]) == (MAX_TOLD, 3)


def test_only_the_next_run_is_told() -> None:
    stats = ModuleStats("disk", "disk")
    told: list[dict[str, object]] = []
    stats.listeners += (told,)
    stats.finish(run(FULL))
    stats.finish(run())

    assert [each["result"] for each in told] == ["conditions"]
