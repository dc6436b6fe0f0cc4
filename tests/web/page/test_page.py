"""The status page: what it shows of alerts, modules and the past."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from supervisor.config.service import Maintenance
from supervisor.observations import Measurement, Report
from supervisor.stats.recent_runs import PastRun
from supervisor.web.page import drawing
from supervisor.web.page.alert_rows import MAX_ACTIONS
from supervisor.web.page.page import MAX_ALERTS, Page, documents
from supervisor.web.page.view import MAX_MODULES, mailed
from tests.support.ledger_bench import A, B
from tests.support.web_bench import WebBench, modules
from tests.web.page.reading import DOWN, FULL, html_of, read, shown, view_of, well


def test_an_alert_shows_when_it_began_and_which_peers_have_it() -> None:
    bench = WebBench.make(*modules(3), urls=(A, B))
    bench.run("disk-0", FULL)
    bench.ledger.deliver(A)
    bench.ledger.pass_time(150)
    values: dict[str, Any] = Page(view_of(bench)).values()
    (row,) = values["alerts"]
    text = "".join(read(html_of(bench)).text)

    assert (row.since.text, row.lasting) == ("12:00:00", "2 min")
    assert [(peer.peer, peer.done) for peer in row.peers] == [
        ("127.0.0.1:9093", True),
        ("127.0.0.2:9093", False),
    ]
    assert "since 12:00:00, for 2 min, module disk-0" in text


def test_a_maintenance_window_and_what_it_holds_are_told() -> None:
    bench = well()
    window = Maintenance("reboot", ("Mon 11:30-13:00",))  # the bench is at noon
    store = bench.ledger.store
    store.config.service = evolve(store.service, maintenance=(window,))
    assert shown(bench) == ("All well", "green", ("maintenance reboot",))

    bench.run("disk-0", FULL)
    assert shown(bench) == ("1 alert held", "blue", ("maintenance reboot",))
    assert "held by reboot until 13:03:00" in "".join(read(html_of(bench)).text)


def test_a_time_of_another_day_has_its_date() -> None:
    bench = WebBench.make(*modules(3))
    bench.run("disk-0", FULL)
    bench.ledger.pass_time(86400)

    assert "since 23 Nov 12:00, for 1 d 0 h" in "".join(read(html_of(bench)).text)


def test_resolved_alerts_are_folded() -> None:
    bench = well()
    bench.run("disk-0", FULL)
    bench.ledger.deliver()
    bench.ledger.pass_time(120)
    bench.run("disk-0")
    text = "".join(read(html_of(bench)).text)

    assert "Nothing is firing." in text
    assert "1 alert resolved in the last minutes" in text
    assert "lasted 2 min" in text


def test_a_module_shows_what_it_did_and_measured() -> None:
    bench = well()
    uses = [Measurement("use", 40 + n, "%", {"mount_point": f"/{n}"}) for n in range(5)]
    bench.run("disk-0", *uses)
    bench.stats["disk-0"].skipped["late"] = 2
    bench.stats["disk-0"].state = "running"
    bench.run("inode-1", timed_out=True, error="timed out", seconds=30.0)
    text = " ".join("".join(read(html_of(bench)).text).split())

    assert "use /0 40 % · use /1 41 % · use /2 42 % · and 2 more" in text
    assert "running" in text
    assert "2 skipped" in text
    assert "1 failed" in text
    assert "timed out" in text


def test_long_lists_are_cut_and_say_so() -> None:
    bench = WebBench.make(*modules(MAX_MODULES + 1))
    bench.run("disk-0", *(evolve(FULL, instance=f"/{number}") for number in range(MAX_ALERTS + 3)))
    bench.stats[f"disk-{MAX_MODULES}"].last_result = "failed"
    html = html_of(bench)

    assert html.count('class="alert amber"') == MAX_ALERTS
    assert "and 3 more" in html
    assert "and 1 more" in html
    assert f'id="m-disk-{MAX_MODULES}"' in html, "those that fail are shown first"


def test_every_id_is_there_once() -> None:
    bench = well()
    bench.run("disk-0", FULL, evolve(FULL, instance="/b"), Report("Daily", "hello"))
    ids = [attributes["id"] for _, attributes in read(html_of(bench)).tags if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_a_report_of_the_past_is_kept_in_view() -> None:
    bench = well()
    bench.run("disk-0", Report("Daily", "hello", "<b>hello</b>"))
    (key,) = bench.ledger.store.alerts
    for _ in range(40):
        bench.ledger.pass_time(60)
        bench.ledger.housekeep()
        bench.ledger.deliver()

    assert bench.ledger.store.alerts == {}
    assert mailed(bench.ledger.store, key) is not None
    assert f'id="r-{key}"' in html_of(bench)


def test_the_worst_alerts_come_first_and_then_the_oldest() -> None:
    bench = well()
    bench.run("disk-0", FULL)
    bench.ledger.pass_time(60)
    bench.run("connection-2", evolve(DOWN, instance="late"), evolve(DOWN, event_type="I"))
    bench.ledger.pass_time(-120)
    bench.run("inode-1", evolve(DOWN, instance="early"))
    values: dict[str, Any] = Page(view_of(bench)).values()

    assert [(row.event_type, row.instance) for row in values["alerts"]] == [
        ("E", "early"),
        ("E", "late"),
        ("W", "/data"),
        ("I", "DEV1"),
    ]


def test_of_many_modules_those_that_are_well_are_folded() -> None:
    bench = well(*modules(50))
    bench.run("inode-1", error="it broke")
    bench.run("connection-2", DOWN)
    bench.stats["command-3"].state = "disabled"
    html = html_of(bench)
    (table,) = re.findall(r'id="modules".*?</section>', html, re.DOTALL)
    shown, _, folded = table.partition('<details id="quiet">')

    assert re.findall(r'id="m-([^"]+)"', shown) == ["inode-1", "connection-2"]
    assert "<summary>47 ok, 1 disabled</summary>" in folded
    assert folded.count('id="m-') == 48


def test_a_peer_that_is_not_reached_stands_above_the_alerts() -> None:
    bench = WebBench.make(*modules(3), urls=(A, B))
    bench.run("disk-0", FULL)
    bench.ledger.deliver(A)
    bench.peers[1].state = "retrying"
    bench.peers[1].error = "refused"
    html = html_of(bench)

    assert html.index("refused") < html.index("127.0.0.1:9093") < html.index('id="alerts"')
    assert 'id="peers" class="trouble"' in html
    assert "pending at 127.0.0.2:9093" in html
    assert "pending at 127.0.0.1:9093" not in html
    assert "delivered" not in html[html.index('id="alerts"') : html.index('id="modules"')]


def test_title_and_icon_tell_the_state() -> None:
    bench = well()
    calm = html_of(bench)
    bench.run("connection-2", DOWN)
    alarm = html_of(bench)

    assert '<title id="title">All well · X</title>' in calm
    assert '<title id="title">1 alert firing · X</title>' in alarm
    icons = [
        re.findall(r'<link id="icon" rel="icon" href="([^"]+)">', html) for html in (calm, alarm)
    ]
    assert [len(found) for found in icons] == [1, 1]
    assert "circle" in icons[0][0]
    assert "h14v14" in icons[1][0]


def test_a_badge_is_a_word_for_those_who_do_not_see_it() -> None:
    bench = well()
    bench.run("connection-2", DOWN)

    assert 'role="img" aria-label="Error" title="Error">E</span>' in html_of(bench)


def test_what_was_before_the_start_is_not_known() -> None:
    bench = well()
    lane = drawing.lane([PastRun(9000, 1, "ok")], 10_000.0, known_since=8000.0)

    assert lane.paths[0] == drawing.Path("unknown", "M0 0h1600v10h-1600z")
    assert 'class="unknown"' in html_of(bench)


def test_the_foot_tells_file_ledger_and_addresses() -> None:
    text = " ".join("".join(read(html_of(well())).text).split())

    assert "Service file X.toml, loaded 12:00:00. Ledger 40 KiB, 0 alerts." in text
    assert "Metrics · API: status as JSON" in text


def test_only_the_first_alerts_show_what_can_be_done() -> None:
    bench = well()
    bench.run("disk-0", *(evolve(FULL, instance=f"/{number}") for number in range(MAX_ACTIONS + 5)))
    html = html_of(bench)

    assert html.count("<summary>Silence") == MAX_ACTIONS
    assert html.count("amtool --alertmanager.url=http://127.0.0.1:9093 silence add") == MAX_ACTIONS


@pytest.mark.parametrize(
    ("code", "docs"),
    [
        ("supervisor", "supervisor/docs"),
        ("release/app", "release/docs"),
        ("venv/lib/site-packages", "venv/share/alertmanager-supervisor/docs"),
    ],
)
def test_the_documents_are_found_however_it_was_installed(
    tmp_path: Path, code: str, docs: str
) -> None:
    (tmp_path / code).mkdir(parents=True)
    (tmp_path / docs).mkdir(parents=True)

    assert documents(tmp_path / code, tmp_path / "venv") == str(tmp_path / docs)
