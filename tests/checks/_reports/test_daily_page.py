"""The daily report's page: bounded, harmless, and fit for mail programs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from attrs import evolve

from checks._devices.interfaces import Interface, Member
from checks._devices.md_arrays import Array, Progress
from checks._reports.daily_page import summary, verdict
from checks._reports.daily_readings import FilesystemReading
from checks._reports.period import Activity, Resolved
from checks._reports.theme import GREEN, GREY, RED
from tests.support.daily_report import NOW, PERIOD, READINGS, alert, html, top, use
from tests.support.mail_page import Page


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


def test_names_are_never_taken_for_html() -> None:
    evil = "<script>alert(1)</script>"
    found = alert(evil, evil, evil, check=evil, message=evil)
    readings = evolve(
        READINGS,
        filesystems=(FilesystemReading(evil, trouble=evil), FilesystemReading(evil, use(1, evil))),
        by_cpu=(top(evil, 1, 1.0, 1),),
        bonds=(Interface(evil, 1, 1, members=(Member(evil, evil),)),),
        arrays=(Array(evil, evil, evil, disks=2, degraded=1, mismatches=0),),
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
        filesystems=(FilesystemReading(long, trouble=long),) * 1000,
        by_cpu=(top("&" * 80, 1, 1.0, 1),) * 20,
        by_memory=(top("&" * 80, 1, 1.0, 1),) * 20,
        bonds=(Interface(long, 1, 1, members=(Member(long, long),) * 100),) * 1000,
        arrays=(Array(long, long, long, disks=2, degraded=1, mismatches=0),) * 1000,
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


def test_times_are_those_of_the_checks_own_zone() -> None:
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))

    assert "Monday 23 November 2026, 08:30 CET" in Page(html(now=berlin)).text
    assert "since 07:42, module connection" in Page(html(now=berlin)).text


def test_a_filesystem_that_became_read_only_stands_out() -> None:
    reading = FilesystemReading("/data", use(41, "9 GiB free"), use(1), read_only=True)
    page = html(readings=evolve(READINGS, filesystems=(reading,)))

    assert "/data read-only, though it was mounted to be written to, 9 GiB free" in Page(page).text


def test_a_bond_and_an_array_that_have_lost_a_member_stand_out() -> None:
    lost = (Member("eth0"), Member("eth1", "has no link"))
    rebuilt = Array(
        *("md0", "raid1", "clean"),
        disks=2,
        degraded=1,
        mismatches=0,
        progress=Progress("recover", 43.2),
    )
    whole = evolve(rebuilt, name="md1", degraded=0, progress=None)
    bond = Interface("bond1", 1, 1, members=lost)
    page = html(readings=evolve(READINGS, bonds=(bond,), arrays=(rebuilt, whole)))

    assert "bond1 eth1 has no link 1 of 2 members" in Page(page).text
    assert "md0 raid1; recover 43 % done 1 of 2 members" in Page(page).text
    assert "md1 raid1 2 of 2 members" in Page(page).text
    assert page.count(RED) - html().count(RED) == 4  # two values, each with its bar


def test_nothing_is_well_before_each_module_has_run() -> None:
    unknown = evolve(PERIOD, firing=(), not_looked="3 of 12 modules have not run")
    well = evolve(PERIOD, firing=())
    firing = evolve(PERIOD, not_looked="3 of 12 modules have not run")

    assert summary(READINGS, unknown).startswith("Not looked yet: 3 of 12 modules have not run, up")
    assert (GREY in html(period=unknown), GREEN in html(period=unknown)) == (True, False)
    assert summary(READINGS, well).startswith("All well, up")
    assert GREEN in html(period=well)
    assert verdict(firing) == "2 alerts firing; 3 of 12 modules have not run"
