"""Scenarios that once broke a promise. None of them does any more.

Each is a file of `seeds/`, named after what was wrong. `scripts/simulate … --keep NAME` writes one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation.promises.all_promises import judge
from tests.simulation.tools.broken_on_purpose import BROKEN, scenario
from tests.simulation.tools.explore import run
from tests.simulation.tools.kept import Kept, kept_files, read


@pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")
@pytest.mark.parametrize("path", kept_files(), ids=lambda path: path.stem)
def test_what_once_was_wrong_is_right(path: Path) -> None:
    kept = read(path)

    _, findings = judge(kept.scenario)

    assert findings == [], "\n".join(kept.story)


@pytest.mark.parametrize("path", kept_files(), ids=lambda path: path.stem)
def test_a_kept_scenario_says_in_words_what_was_wrong(path: Path) -> None:
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", path.stem)
    assert read(path).story[-1]


def test_a_kept_scenario_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = Kept("a promise", ("Once upon a time.", "Broken."), scenario())

    kept.write(tmp_path / "kept.json")

    assert read(tmp_path / "kept.json") == kept


def test_a_kept_scenario_of_another_shape_is_refused(tmp_path: Path) -> None:
    kept = Kept("a promise", (), scenario())
    kept.write(tmp_path / "kept.json")
    text = (tmp_path / "kept.json").read_text().replace('"seed"', '"no_field": 1, "seed"')
    (tmp_path / "kept.json").write_text(text)

    with pytest.raises(Exception, match="structuring Kept"):
        read(tmp_path / "kept.json")


def test_a_kept_scenario_breaks_its_promise_when_the_fault_comes_back(tmp_path: Path) -> None:
    result = run("on purpose", scenario(), BROKEN, seconds=0.1)
    assert result.failure is not None

    result.failure.write(tmp_path / "kept.json")

    _, findings = judge(read(tmp_path / "kept.json").scenario, promises=BROKEN)
    assert [finding.promise for finding in findings] == [result.failure.promise]
