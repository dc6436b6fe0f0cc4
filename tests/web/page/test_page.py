"""The status page: its verdict, its rows, and that nothing which a check says becomes HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from supervisor.alerts.self_alerts import HEARTBEAT, SelfAlert
from supervisor.config.service import Maintenance, Module
from supervisor.observations import Condition, Duration, Measurement, Report
from supervisor.stats.recent_runs import PastRun
from supervisor.web.page import drawing, durations, templates
from supervisor.web.page.alert_rows import MAX_ACTIONS
from supervisor.web.page.page import MAX_ALERTS, Page, documents
from supervisor.web.page.verdict import verdict
from supervisor.web.page.view import MAX_MODULES, View, gather, mailed
from tests.support.ledger_bench import A, B
from tests.support.web_bench import WebBench, client_of, modules

FULL = Condition("Disk usage", "W", "/data", "/data is 97 % full")
DOWN = Condition("Connection failed", "E", "DEV1", "refused")
EVIL = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;\N{SNOWMAN}"""


@define
class Reading(HTMLParser):
    """What a browser would make of a page."""

    text: list[str] = field(factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def view_of(bench: WebBench) -> View:
    return trio.run(gather, bench.snapshot)


def html_of(bench: WebBench) -> str:
    return templates.document(templates.sections(view_of(bench)))


def read(html: str) -> Reading:
    reading = Reading()
    reading.feed(html)
    return reading


def shown(bench: WebBench) -> tuple[str, str, tuple[str, ...]]:
    found = verdict(trio.run(bench.snapshot.status))
    return found.text, found.colour, found.notes


def well(*given: Module) -> WebBench:
    bench = WebBench.make(*(given or modules(3)))
    bench.fill()
    return bench


def test_all_is_well_when_nothing_fires() -> None:
    assert shown(well()) == ("All well", "green", ())


def test_the_gravest_alert_gives_the_colour() -> None:
    bench = well()
    bench.run("disk-0", FULL)
    warned = shown(bench)
    bench.run("connection-2", DOWN)

    assert warned == ("1 alert firing", "amber", ())
    assert shown(bench) == ("2 alerts firing", "red", ())


def test_the_heartbeat_does_not_count_as_an_alert() -> None:
    bench = well()
    bench.ledger.work(lambda update: update.take_self_alert(SelfAlert(HEARTBEAT, "I live")))

    assert shown(bench) == ("All well", "green", ())


def test_nothing_is_well_before_each_module_has_run() -> None:
    bench = WebBench.make(*modules(3), Module("command", "nightly", at=("03:00",)))
    bench.run("disk-0")
    unknown = shown(bench)
    bench.run("inode-1")
    bench.run("connection-2")
    one = shown(bench)
    bench.run("nightly")

    assert unknown == ("Not looked yet: 3 of 4 modules have not run", "grey", ())
    assert one == ("Not looked yet: 1 of 4 modules has not run", "grey", ())
    assert shown(bench) == ("All well", "green", ())


def test_a_module_that_ran_before_the_start_or_only_reports_is_not_waited_for() -> None:
    bench = WebBench.make(
        Module("command", "nightly", at=("03:00",)), Module("daily", "daily", at=("09:00",))
    )
    bench.stats["nightly"].ran_before = True
    bench.stats["daily"].looks = False

    assert shown(bench) == ("All well", "green", ())


def test_nothing_is_well_without_a_module() -> None:
    bench = WebBench.make(Module("disk", "off", every=Duration(60), enabled=False))

    assert shown(bench) == ("Not looked yet: no module is enabled", "grey", ())


def test_what_is_not_known_is_said_beside_what_is_wrong() -> None:
    bench = WebBench.make(*modules(3))
    bench.peers[0].state = "retrying"
    unreached = shown(bench)
    bench.run("disk-0", FULL)

    unknown = "3 of 3 modules have not run"
    assert unreached == ("1 of 1 Alertmanagers not reached", "amber", (unknown,))
    assert shown(bench)[2][-1] == "2 of 3 modules have not run"


def test_unreached_peers_and_undelivered_refused_or_dropped_alerts_are_named() -> None:
    bench = well()
    bench.peers[0].state = "retrying"
    one = shown(bench)
    bench.run("disk-0", FULL)
    bench.run("disk-0")
    bench.ledger.pass_time(40)
    bench.ledger.store.lost["evicted"] = 2

    assert one == ("1 of 1 Alertmanagers not reached", "amber", ("nothing is firing",))
    assert shown(bench)[1:] == (
        "amber",
        ("1 not delivered for 40 s", "2 dropped", "nothing is firing"),
    )


def test_failing_modules_are_named_with_the_alerts() -> None:
    bench = well()
    bench.run("disk-0", error="it broke")

    assert shown(bench) == ("1 alert firing", "red", ("1 of 3 modules failing",))


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


@pytest.mark.parametrize(
    "where", ["name", "alertname", "instance", "message", "measurement", "report"]
)
def test_nothing_that_a_check_says_becomes_html(where: str) -> None:
    name = EVIL if where == "name" else "m"
    bench = WebBench.make(Module("disk", name))
    kinds: dict[str, Condition | Measurement | Report] = {
        "alertname": evolve(FULL, alertname=EVIL),
        "instance": evolve(FULL, instance=EVIL),
        "message": evolve(FULL, message=EVIL),
        "measurement": Measurement(EVIL, 1, EVIL, {"a": EVIL}),
        "report": Report(EVIL, EVIL, EVIL),
    }
    plain = read(html_of(WebBench.make(Module("disk", "m"))))
    bench.run(name, kinds.get(where, FULL))
    reading = read(html_of(bench))

    assert EVIL in "".join(reading.text)
    assert [tag for tag, _ in reading.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in reading.tags]
    assert {name for _, attributes in reading.tags for name in attributes} - {
        name for _, attributes in plain.tags for name in attributes
    } <= {"href", "target", "rel", "sandbox", "loading", "src", "title", "d"}


def test_what_could_turn_the_text_around_does_not_reach_the_page() -> None:
    """A ledger may hold what an earlier version had not cleaned."""
    bench = WebBench.make(Module("disk", "m"))
    bench.run("m", evolve(FULL, instance="a\u202eb\x9bc\u2028d"))

    assert "a\ufffdb\ufffdc\ufffdd" in html_of(bench)


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    bench = well()
    bench.run("disk-0", FULL, Report("Daily", "hello", "<b>hello</b>"))
    addresses = [
        value or ""
        for _, attributes in read(html_of(bench)).tags
        for name, value in attributes.items()
        if name in ("href", "src", "action", "poster", "srcset")
        and attributes.get("target") != "_blank"  # a link that a person may follow
    ]

    assert addresses
    assert not [each for each in addresses if re.match(r"(?!data:)[a-z]+:|/", each)]


def test_the_policy_allows_what_the_page_has_and_no_more() -> None:
    html = html_of(well())
    inline = re.search(r"<script>(.*)</script>", html, re.DOTALL)

    assert inline is not None
    assert templates._hash(inline[1]) in templates.POLICY
    assert "unsafe" not in templates.POLICY
    assert " style=" not in html
    assert " onclick" not in html


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


def test_a_mail_is_shown_as_it_was_sent() -> None:
    bench = well()
    bench.run(
        "disk-0", Report("Daily", "hello <b>", "<b onclick=x>hello</b>"), Report("Short", "<i>")
    )
    keys = {alert.alertname: key for key, alert in bench.ledger.store.alerts.items()}
    daily = mailed(bench.ledger.store, keys["Daily"])
    short = mailed(bench.ledger.store, keys["Short"])

    assert daily is not None
    assert "<b onclick=x>hello</b>" in templates.mail(daily)
    assert short is not None
    assert "* &lt;i&gt;" in templates.mail(short)
    assert mailed(bench.ledger.store, "unknown") is None


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


async def test_a_mail_is_served_into_a_sandbox() -> None:
    bench = well()
    bench.run("disk-0", Report("Daily", "hello", "<script>alert(1)</script>"))
    (key,) = bench.ledger.store.alerts
    async with client_of(bench) as client:
        whole = (await client.get("/")).text
        found = await client.get(f"/reports/{key}")
        missing = await client.get("/reports/0123456789abcdef")

    (frame,) = (given for tag, given in read(whole).tags if tag == "iframe")

    assert (frame["sandbox"], frame["src"]) == (None, f"reports/{key}")
    assert found.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in found.headers["content-security-policy"]
    assert found.headers["x-frame-options"] == "SAMEORIGIN"
    assert missing.status_code == 404


def test_bars_show_durations_and_outcomes() -> None:
    runs = [PastRun(number, 0.01, "ok") for number in range(98)]
    picture = drawing.bars([*runs, PastRun(98, 0.09, "conditions"), PastRun(99, 0.001, "failed")])

    assert [path.style for path in picture.paths] == ["ok", "conditions", "failed"]
    assert picture.paths[0].outline.startswith("M1 240v-80M3 240v-80")
    assert picture.paths[1].outline == "M197 240v-240"
    assert picture.paths[2].outline == "M199 240v-240"
    assert picture.words == ("100 runs, 1 with conditions, 1 failed; 10 ms usually, 90 ms at most")


def test_a_lane_shows_the_last_hour_and_its_unknown_part() -> None:
    end = 10_000.0
    few = drawing.lane(
        [PastRun(6000, 1, "ok"), PastRun(7000, 1, "ok"), PastRun(9900, 60, "timeout")], end
    )
    many = drawing.lane([PastRun(8000 + 10 * n, 1, "ok") for n in range(100)], end)

    assert [(path.style, path.outline) for path in few.paths] == [
        ("ok", "M600 0v10"),
        ("timeout", "M3500 0h60v10h-60z"),
    ]
    assert few.words == "2 runs, 1 timed out in the last hour"
    assert many.paths[0] == drawing.Path("unknown", "M0 0h1600v10h-1600z")
    assert drawing.lane([], end).words == "no run"


def test_one_run_is_not_called_runs() -> None:
    bench = WebBench.make(*modules(2))
    bench.run("disk-0")
    html = html_of(bench)

    assert '1<span class="label"> run</span>' in html
    assert '0<span class="label"> runs</span>' in html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0.4 ms"), (0.012, "12 ms"), (0.25, "0.25 s"), (12, "12 s"), (300, "5 min")],
)
def test_short_durations_are_worded(seconds: float, text: str) -> None:
    assert text == durations.brief(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (125, "2 min"), (11100, "3 h 5 min"), (1_051_200, "12 d 4 h"), (-1, "0 s")],
)
def test_long_durations_are_worded(seconds: float, text: str) -> None:
    assert text == durations.span(seconds)


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
