"""A short chaos run of the real process; `scripts/bench chaos` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.storm import Storm


async def test_nothing_is_lost_when_the_supervisor_is_killed_before_bad_peers(
    tmp_path: Path,
) -> None:
    outcome = await Storm(tmp_path, rounds=6, seed=4, life=1.3).run()

    assert [] == [str(finding) for finding in outcome.verdict.findings]
    assert outcome.verdict.counts["episodes"] > 0
    assert outcome.verdict.counts["active at the end"] > 0
    assert outcome.runs["committed"] > 0
