"""A short storm of job reports and kills. `scripts/bench job_storm` runs a long one."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.job_storm import WRITERS, Storm


def test_no_report_is_lost_or_counted_twice_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    outcome = Storm(tmp_path, kills=8, reports=15, seed=1).run()

    assert outcome.wrong == []
    assert outcome.kills >= 8
    assert outcome.told.total() == 15 * WRITERS
