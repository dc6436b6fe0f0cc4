"""The PNR report's page: bounded, harmless, and fit for mail programs."""

from __future__ import annotations

import pytest
from attrs import evolve

from checks._reports.pnr_page import Airline, PnrFigures, Tally, change, page, span, summary
from checks._reports.theme import template
from checks._reports.window import Window
from tests.support.daily_report import NOW, context
from tests.support.mail_page import Page

WINDOW = Window(NOW.replace(hour=8, minute=0), NOW.replace(hour=18, minute=0))


def html(figures: PnrFigures) -> str:
    return context().render(template("pnr_report.html"), **page(context(), figures))


def test_names_are_never_taken_for_html() -> None:
    evil = "<script>alert(1)</script>"
    tally = Tally(evil, {evil: {evil: 1, "U": 2}}, {evil: 1})
    figures = PnrFigures(WINDOW, [tally], {evil: Airline(evil)}, {"U": evil})
    shown = Page(html(figures))

    assert shown.tags <= {"table", "tr", "td", "div", "span", "b", "br"}
    assert not shown.attributes & {"src", "href", "background", "class", "id", "onclick"}


def test_the_largest_page_stays_within_the_limit_of_a_detail() -> None:
    long = "&" * 500
    codes = [f"&&{number:04}&&{long}" for number in range(3000)]
    processes = {f"&{number}{long}": 10**9 for number in range(40)}
    tally = Tally(long, dict.fromkeys(codes, processes), dict.fromkeys(codes, 10**9))
    figures = PnrFigures(WINDOW, [tally] * 10, {code: Airline(long, NOW) for code in codes}, {})
    text = html(figures)

    assert len(text.encode()) < 256 * 1024
    assert "and 2,990 more" in Page(text).text
    assert len(summary(figures).encode()) < 4096


def test_the_bar_of_an_airline_is_its_share_of_the_greatest() -> None:
    tally = Tally("KOR-PNR", {"KE": {"U": 200}, "NO": {"U": 50}, "1E": {"U": 1}}, {"OZ": 9})
    rows = page(context(), PnrFigures(WINDOW, [tally]))["sections"][0].rows  # type: ignore[index]  # a list of sections

    assert [(row.code, row.percent) for row in rows] == [
        ("KE", 100),
        ("NO", 25),
        ("1E", 1),
        ("OZ", 0),
    ]
    assert "color" in rows[3].emphasis
    assert "color" not in rows[0].emphasis


def test_a_window_without_messages_is_reported() -> None:
    figures = PnrFigures(WINDOW, [Tally("KOR-PNR", {}, {})])

    assert summary(figures) == (
        "No messages, as many as the day before, Monday 23 November 2026, 08:00 to 18:00 KST"
    )
    assert "KOR-PNR No messages" in Page(html(figures)).text


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (5, 5, "as many as the day before"),
        (5, 0, "none the day before"),
        (0, 5, "100 % fewer than the day before"),
        (1001, 1000, "less than 1 % more than the day before"),
        (30_000, 10, "299,900 % more than the day before"),
    ],
)
def test_numbers_are_compared_in_words(now: int, before: int, expected: str) -> None:
    assert change(now, before) == expected


def test_a_window_of_several_days_names_both() -> None:
    window = evolve(WINDOW, since=WINDOW.since.replace(day=20))

    assert span(window) == "Friday 20 November 2026, 08:00 to Monday 23 November 2026, 18:00 KST"
