"""The totals of many worlds, as text and as a page that asks for nothing else."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.simulation.generate import scenario
from tests.simulation.scenario import Scenario
from tests.simulation.tools.explore import Result
from tests.simulation.tools.kept import Kept
from tests.simulation.tools.report import write_report
from tests.simulation.tools.totals import Totals

WORLD: Scenario = scenario(1, 1.0, 1)


def totals() -> Totals:
    both = Totals()
    both.add(result("--seed 1 --days 365.25", None))
    both.add(result("--seed 2 --days 365.25", Kept("no_lie", ("Once <b>upon</b> a time.",), WORLD)))
    return both


def result(name: str, failure: Kept | None) -> Result:
    return Result(
        name=name,
        seconds=365.25,
        days=365.25,
        modules=3,
        kind="dense" if failure else "calm",
        digest="",
        events=Counter(RunSeen=1000, Notified=7),
        faults=Counter(kill=3, disk_slow=1, peer_503=2, newly_made=1),
        notifications=Counter(first=4, resolved=3),
        excused=Counter({"an Alertmanager was killed": 2}),
        failure=failure,
    )


def test_the_figures_are_sums_over_all_worlds() -> None:
    figures = dict(totals().all.figures())

    assert figures["host-years simulated"] == "2"
    assert figures["module-years"] == "6"
    assert figures["runs"] == "2,000"
    assert figures["notifications"] == "14"
    assert figures["faults"] == "14"
    assert figures["broken promises"] == "1"
    assert figures["simulated days per CPU second"] == "1"


def test_the_page_asks_for_nothing_else(tmp_path: Path) -> None:
    write_report(totals(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert not re.search(r"(src|href)=|url\(|@import|<script|https?://", page)
    assert "1 world broke a promise." in page
    assert "Once &lt;b&gt;upon&lt;/b&gt; a time." in page


@pytest.mark.parametrize("kind", ["kill", "disk slow", "peer 503", "newly made"])
def test_the_picture_has_a_bar_for_each_kind_of_fault(tmp_path: Path, kind: str) -> None:
    write_report(totals(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    svg = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])  # noqa: S314 - our own

    assert kind in [text.text for text in svg.iter("text")]
    assert len([*svg.iter("rect")]) == 4


def test_the_text_has_the_figures_and_the_stories(tmp_path: Path) -> None:
    write_report(totals(), tmp_path / "report.txt")
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")

    assert re.search(r"^ +2 +1 +1  host-years simulated$", text, re.M)
    assert re.search(r"^ +6  kill$", text, re.M)
    assert re.search(r"^ +4  an Alertmanager was killed$", text, re.M)
    assert "scripts/simulate --seed 2 --days 365.25\nOnce <b>upon</b> a time." in text


def test_totals_that_were_written_are_read_again(tmp_path: Path) -> None:
    totals().write(tmp_path / "totals.json")
    again = Totals.read(tmp_path / "totals.json")

    assert list(again.lines()) == list(totals().lines())
    assert again.failures == totals().failures


def test_the_page_has_the_figures_of_each_kind_of_host(tmp_path: Path) -> None:
    write_report(totals(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "<tr><th></th><th>calm</th><th>dense</th></tr>" in page
    assert '<td>broken promises</td><td class="n">0</td><td class="n">1</td>' in page
