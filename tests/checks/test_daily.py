"""The `daily` check: what it reads of this host, what it remembers, and the page it makes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import daily
from checks._kernel import proc_stat
from checks._kernel.proc_stat import Birth
from checks._processes import top as processes_top
from checks._reports import daily_page, daily_readings, theme
from checks._reports.daily_readings import Filesystem
from checks._reports.period import Activity, Resolved, look_back, recall
from supervisor.api import AlertView, Report, RunView
from supervisor.modules.context_factory import ContextFactory
from supervisor.observations import Duration
from tests.support.daily_report import (
    MORNING,
    NOW,
    PERIOD,
    READINGS,
    alert,
    context,
    html,
    later,
    top,
    use,
)
from tests.support.ledger_bench import DISK, FULL, LedgerBench
from tests.support.mail_page import Page
from tests.support.mounts import bindfs, needs_root, poll, tmpfs
from tests.support.virtual_clock import FrozenClock

BIRTH = Birth("boot/7/1", 3600.0)


async def report(**params: Any) -> Report:
    (found,) = await daily.run(context(), daily.Params(**params))
    assert isinstance(found, Report)
    return found


# -- the real host -----------------------------------------------------------------------


async def test_the_report_tells_of_this_host() -> None:
    found = await report(top_processes=20)
    text = Page(found.detail).text

    assert found.alertname == "Daily check"
    assert found.event_type == "I"
    assert found.message.startswith("All well, up ")
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert f"of {total / (1 << 30):.1f} GiB available" in text
    assert f"{os.cpu_count()} processors" in text
    assert "Filesystems / " in text
    assert "Monday 23 November 2026, 16:30 KST" in text


def test_a_busy_and_a_large_process_are_among_the_first() -> None:
    script = "hoard = b'x' * (300 << 20)\nprint(flush=True)\nwhile True: pass"
    argv = [sys.executable, "-c", script, "--password=hunter2", "<b>greedy</b>"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as greedy:
        assert greedy.stdout is not None
        greedy.stdout.readline()
        try:
            readings = trio.run(daily_readings.read, 5, 5.0)
        finally:
            greedy.kill()

    assert greedy.pid in [each.consumer.process.pid for each in readings.by_cpu]
    (large,) = [each for each in readings.by_memory if each.consumer.process.pid == greedy.pid]
    assert large.consumer.process.resident >= 300 << 20
    assert "***" in large.title
    assert "hunter2" not in large.title


@needs_root
async def test_a_filesystem_that_does_not_answer_is_shown_beside_the_others(
    tmp_path: Path,
) -> None:
    with bindfs(tmp_path / "source", tmp_path / "hung") as process:
        process.send_signal(signal.SIGSTOP)
        poll(lambda: _state(process.pid) == "T")
        text = Page((await report(probe_timeout=Duration(0.3))).detail).text
        process.send_signal(signal.SIGCONT)

    assert f"{tmp_path / 'hung'} no answer within 0.3 s does not respond" in text
    assert re.search(r"Filesystems / [\d.]+ \w+ free", text)


@needs_root
async def test_memory_filesystems_are_left_out(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "memory", "size=1m") as point:
        readings = await daily_readings.read(0, 5.0)

    mounted = [each.mount_point for each in readings.filesystems]
    assert "/" in mounted
    assert str(point) not in mounted


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# -- since the last report ---------------------------------------------------------------


def views(*alerts: AlertView, runs: tuple[RunView, ...] = ()) -> dict[str, Any]:
    return {"list_alerts": lambda: alerts, "list_runs": lambda: runs}


def ran(runs: int, failures: int = 0) -> RunView:
    return RunView("disk", runs, failures, 0, NOW, "ok")


def test_each_report_begins_where_the_last_one_ended() -> None:
    first = context(MORNING, **views(runs=(ran(10, 1),)))
    look_back(first, BIRTH)
    second = context(NOW, state=first.state, **views(runs=(ran(25, 1),)))
    period = look_back(second, BIRTH)

    assert period.since == period.counted_since == MORNING
    assert period.activities == (Activity("disk", 15, 0, 0, "ok"),)


def test_runs_are_counted_from_the_start_of_this_process() -> None:
    first = context(MORNING, **views(runs=(ran(10),)))
    look_back(first, BIRTH)
    second = context(NOW, state=first.state, **views(runs=(ran(4),)))
    period = look_back(second, Birth("boot/8/1", 1800.0))

    assert period.since == MORNING
    assert period.counted_since == later(-0.5)
    assert period.activities == (Activity("disk", 4, 0, 0, "ok"),)


def test_what_ended_since_the_last_report_is_told_once_the_latest_end_first() -> None:
    first = context(MORNING)
    look_back(first, BIRTH)
    old = alert("Old", state="resolved", began=later(-30), ended=later(-20))
    twice = [
        alert("Twice", state="resolved", began=later(-hours), ended=later(-hours + 0.5))
        for hours in (6, 3)
    ]
    newest = alert("Newest", state="over", began=later(-30), ended=later(-1))
    again = alert("Again", state="resolved", began=later(-5), ended=later(-4))
    fires = alert("Again", began=later(-2))
    second = context(NOW, state=first.state, **views(old, *twice, newest, again, fires))
    period = look_back(second, BIRTH)

    assert period.firing == (fires,)
    assert period.resolved == (Resolved(newest, 1), Resolved(twice[1], 2))


def test_the_most_severe_alert_comes_first_and_the_heartbeat_never() -> None:
    kinds = [alert(kind, kind) for kind in ("I", "W", "X", "E", "S", "TE")]
    beat = alert("Heartbeat", "I", check="supervisor")
    period = look_back(context(NOW, **views(*kinds, beat)), BIRTH)

    assert [each.event_type for each in period.firing] == ["TE", "E", "W", "I", "S", "X"]


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"at": 5},
        {"at": "2026-11-23T09:00:00+09:00", "process": "p", "counters": {"a": [1, 2]}},
        {"at": "9999-12-31T23:59:59-23:00", "process": "p", "counters": {}},
        {"at": later(1).isoformat(), "process": "p", "counters": {}},  # the clock was set back
    ],
)
def test_a_memory_that_makes_no_sense_is_no_memory(state: dict[str, Any]) -> None:
    assert recall(state, NOW).at is None


def test_an_alert_that_came_and_went_hours_ago_is_told() -> None:
    bench = LedgerBench()
    bench.see(FULL)
    bench.stay(60)
    bench.see()
    bench.stay(6 * 3600)
    assert not bench.store.alerts
    context_factory = ContextFactory(FrozenClock(bench.now), bench.store)
    period = look_back(context_factory.context(DISK), BIRTH)

    (resolved,) = period.resolved
    assert (resolved.alert.alertname, resolved.alert.instance) == ("Disk usage", "/")


# -- the page ----------------------------------------------------------------------------


def test_the_page_shows_what_people_ask_for() -> None:
    text = Page(html()).text

    for expected in (
        "2 alerts firing KOR-PNR-TEST on kor-pnr-test1 Monday 23 November 2026, 16:30 KST",
        "E Connection failed · USTD-DEV1 cannot connect to USTD-DEV1 (127.0.14.31:1112)",
        "since 15:42, module connection",
        "since 21 November, 04:10, module disk",
        "Resolved since 09:00 W Unprocessed files · /data/queue/한국",
        "from 11:05 to 11:40, for the 3rd time, module unprocessed_file",
        "Up for 41 d 3 h",
        "Load of the last 1, 5 and 15 minutes, on 8 processors 1.92 · 1.40 · 1.11",
        "Processors 4 % waiting for disks 24 %",
        "Memory 9.0 GiB of 32.0 GiB available 72 %",
        "Swap 7.0 GiB of 8.0 GiB free 12 %",
        "TCP sessions 1,204 established",
        "/data 61.0 GiB free, 3 % of the inodes used 88 %",
        "/mnt/archive no answer within 5 s does not respond",
        "Busiest processes in one second, of one processor mariadbd",
        "java com.example.PnrGateway 1904 3.0 GiB",
        "Modules 2 of 315 runs failed since 09:00",
        "pnr_push_process last run timed out 45 2 1",
        "The supervisor has been running for 12 d. The last report: 09:00.",
    ):
        assert expected in text


def test_the_page_is_made_for_mail_programs() -> None:
    page = Page(html())

    assert page.tags <= {"table", "tr", "td", "div", "span", "b", "br"}
    assert not page.attributes & {"src", "href", "background", "class", "id", "onclick"}
    assert "url(" not in html()


def test_nothing_that_others_named_is_taken_for_html() -> None:
    evil = "<script>alert(1)</script>"
    found = alert(evil, evil, evil, check=evil, message=evil)
    readings = evolve(
        READINGS,
        filesystems=(Filesystem(evil, trouble=evil), Filesystem(evil, use(1, evil))),
        by_cpu=(top(evil, 1, 1.0, 1),),
    )
    period = evolve(
        PERIOD,
        firing=(found,),
        resolved=(Resolved(found, 1),),
        activities=(Activity(evil, 1, 1, 1, evil),),
    )

    assert "script" not in Page(html(readings, period)).tags


def test_the_largest_page_stays_within_the_limit_of_a_detail() -> None:
    long = "&" * 500
    found = alert(long, long, long, check=long, message=long)
    readings = evolve(
        READINGS,
        filesystems=(Filesystem(long, trouble=long),) * 1000,
        by_cpu=(top("&" * 80, 1, 1.0, 1),) * 20,
        by_memory=(top("&" * 80, 1, 1.0, 1),) * 20,
    )
    period = evolve(
        PERIOD,
        firing=(found,) * 1000,
        resolved=(Resolved(found, 1),) * 200,
        activities=(Activity(long, 1, 1, 1, "failed"),) * 1000,
    )
    page = html(readings, period)

    assert len(page.encode()) < 256 * 1024
    assert "and 970 more" in Page(page).text


@pytest.mark.parametrize(
    ("kinds", "colour"),
    [
        ((), theme.GREEN),
        (("I",), theme.GREEN),
        (("I", "S"), theme.GREEN),
        (("I", "W"), theme.AMBER),
        (("W", "TE"), theme.RED),
        (("X",), theme.RED),
    ],
)
def test_the_gravest_alert_gives_the_colour(kinds: tuple[str, ...], colour: str) -> None:
    firing = tuple(alert("A", kind) for kind in kinds)

    assert daily_page.gravity(evolve(PERIOD, firing=firing)) == colour


def test_times_are_those_of_the_checks_own_zone() -> None:
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))

    assert "Monday 23 November 2026, 08:30 CET" in Page(html(now=berlin)).text
    assert "since 07:42, module connection" in Page(html(now=berlin)).text


async def test_kst_is_understood() -> None:
    elsewhere = evolve(context(), timezone=ZoneInfo("UTC"))
    (found,) = await daily.run(elsewhere, daily.Params(timezone="KST"))

    assert isinstance(found, Report)
    assert "16:30 KST" in found.detail


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ValueError, match="'KTS' is not a time zone; write for example 'Asia/Seoul'"
    ):
        daily.Params(timezone="KTS")


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "1st"), (2, "2nd"), (11, "11th"), (23, "23rd"), (112, "112th")]
)
def test_ordinals(number: int, expected: str) -> None:
    assert daily_page.ordinal(number) == expected


def test_a_day_of_another_year_is_named_with_it() -> None:
    assert daily_page.moment(datetime(2025, 12, 31, 5, tzinfo=NOW.tzinfo), NOW) == (
        "31 December 2025, 05:00"
    )


# -- parsers -----------------------------------------------------------------------------


@given(st.binary(max_size=200) | st.from_regex(rb"cpu( [0-9]{1,3}){0,12}\n", fullmatch=True))
def test_any_stat_is_read_or_refused(text: bytes) -> None:
    try:
        found = proc_stat.parse_stat(text)
    except ValueError:
        return

    assert found.total >= 0


def test_a_guests_time_is_counted_once() -> None:
    found = proc_stat.parse_stat(b"cpu  100 20 30 1000 40 5 6 7 90 10\ncpu0 1 1 1 1\n")

    assert (found.busy, found.idle, found.waiting, found.stolen) == (161, 1000, 40, 7)


@given(st.binary(max_size=200))
def test_any_meminfo_is_read_or_refused(text: bytes) -> None:
    try:
        found = proc_stat.parse_meminfo(b"MemTotal: 100 kB\n" + text)
    except ValueError:
        return

    assert 0 <= found.percent <= 100
    assert 0 <= found.swap_percent <= 100


@given(st.binary(max_size=60))
def test_a_process_may_have_any_name(name: bytes) -> None:
    fields = [b"0"] * 10 + [b"7", b"5"] + [b"0"] * 6 + [b"99", b"0", b"3"] + [b"0"] * 20
    found = processes_top.parse_stat(b"12 (" + name + b") S " + b" ".join(fields) + b"\n")

    assert found is not None
    assert (found.pid, found.ticks, found.born) == (12, 12, 99)
    assert os.fsencode(found.name) == name


@given(st.binary(max_size=200))
def test_any_process_file_is_read_or_passed_over(text: bytes) -> None:
    found = processes_top.parse_stat(text)

    assert found is None or found.ticks >= 0


@given(st.binary(max_size=200))
def test_any_command_line_becomes_a_title(text: bytes) -> None:
    title = processes_top.title(text)

    assert len(title) <= 80
    assert title.isprintable()


@pytest.mark.parametrize(
    ("cmdline", "expected"),
    [
        (b"/usr/sbin/mariadbd\0--user=mysql\0", "mariadbd --user=mysql"),
        (
            b"curl\0-u\0https://me:hunter2@example.invalid/\0",
            "curl -u https://***@example.invalid/",
        ),
        (b"job\0--api-key\0hunter2\0--x\0", "job --api-key *** --x"),
        (b"", ""),
    ],
)
def test_a_title_is_short_and_tells_no_secret(cmdline: bytes, expected: str) -> None:
    assert processes_top.title(cmdline) == expected


def test_a_process_number_used_again_is_another_process() -> None:
    old = processes_top.Process(5, "a", 1, 1000, 0)
    new = processes_top.Process(5, "b", 2, 10, 0)
    (found,) = processes_top.consumers({5: old}, {5: new}, 100.0)

    assert found.cpu == 10.0
