"""What each answer of a peer means: the table of docs/reference/delivery.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.delivery.replies import MAX_ANSWER_BYTES, Answer, Reply, classify

NOW = 1_700_000_000.0
BAD_NAME = b'"invalid label set: invalid name \\"a-b\\""'
BAD_LABELS = b'{"code":602,"message":"0.labels in body is required"}'


def http_date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


def reply_to(status: int, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, named, body, NOW)


@pytest.mark.parametrize(
    ("status", "body", "reply"),
    [
        (200, b"", Reply.DELIVERED),
        (202, b"<html>", Reply.DELIVERED),
        (299, b"", Reply.DELIVERED),
        (400, BAD_NAME, Reply.SPLIT),
        (400, BAD_LABELS, Reply.SPLIT),
        (422, BAD_LABELS, Reply.SPLIT),
        (413, b"", Reply.SPLIT),
        (413, b"<html>nginx</html>", Reply.SPLIT),
        (400, b"", Reply.MISCONFIGURED),
        (400, b"<html>The plain HTTP request was sent to HTTPS port", Reply.MISCONFIGURED),
        (400, b"[1]", Reply.MISCONFIGURED),
        (400, b"12", Reply.MISCONFIGURED),
        (400, b"\xff\xfe", Reply.MISCONFIGURED),
        (400, b"[" * 60_000, Reply.MISCONFIGURED),
        (301, b"", Reply.MISCONFIGURED),
        (302, BAD_NAME, Reply.MISCONFIGURED),
        (304, b"", Reply.MISCONFIGURED),
        (307, b"", Reply.MISCONFIGURED),
        (401, BAD_LABELS, Reply.MISCONFIGURED),
        (403, b"", Reply.MISCONFIGURED),
        (404, b"", Reply.MISCONFIGURED),
        (405, b"", Reply.MISCONFIGURED),
        (418, b"", Reply.MISCONFIGURED),
        (408, b"", Reply.RETRY),
        (429, BAD_NAME, Reply.RETRY),
        (500, BAD_NAME, Reply.RETRY),
        (502, b"", Reply.RETRY),
        (503, b"", Reply.RETRY),
        (599, b"", Reply.RETRY),
        (101, b"", Reply.RETRY),
    ],
)
def test_each_status_has_its_reply(status: int, body: bytes, reply: Reply) -> None:
    answer = reply_to(status, body)

    assert (reply, f"HTTP {status}") == (answer.reply, answer.reason)


def test_a_verdict_longer_than_what_is_read_is_still_a_verdict() -> None:
    many = json.dumps("; ".join(["invalid name"] * 10_000)).encode()[:MAX_ANSWER_BYTES]

    assert reply_to(400, many).reply is Reply.SPLIT
    assert reply_to(400, b"<" + many[1:]).reply is Reply.MISCONFIGURED


def test_the_detail_is_one_short_line() -> None:
    answer = reply_to(503, b"<h1>\r\n  Service\n\x00Unavailable</h1>\n" + b"x" * 1000)

    assert answer.detail.startswith("<h1> Service \ufffdUnavailable</h1> xxx")
    assert len(answer.detail) <= 200
    assert str(answer) == f"HTTP 503: {answer.detail}"


def test_a_redirect_says_where_it_would_have_led() -> None:
    answer = reply_to(302, location="http://login.example.invalid/")

    assert str(answer) == ("HTTP 302: redirects are not followed; to http://login.example.invalid/")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 17 ", 17.0),
        ("9" * 400, 999_999_999.0),
        (http_date(NOW + 90), 90.0),
        (http_date(NOW - 90), 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("\N{SUPERSCRIPT TWO}", None),
        ("Fri, 32 Foo 99999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    status: int, value: str, seconds: float | None
) -> None:
    assert seconds == reply_to(status, retry_after=value).retry_after


def test_a_retry_after_date_is_measured_by_the_peers_own_clock() -> None:
    answer = reply_to(429, date=http_date(NOW + 3600), retry_after=http_date(NOW + 3630))

    assert (30.0, NOW + 3600) == (answer.retry_after, answer.date)


def test_only_a_reply_to_be_retried_has_a_retry_after() -> None:
    assert reply_to(200, retry_after="5").retry_after is None
    assert reply_to(404, retry_after="5").retry_after is None


@pytest.mark.parametrize(
    "date",
    ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1903 00:00:00 GMT"],
)
def test_a_date_that_no_clock_shows_is_no_date(date: str) -> None:
    assert reply_to(200, date=date).date is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert reply_to(200, date="Tue, 14 Nov 2023 22:13:20").date == NOW
    assert reply_to(200, date="Tue, 14 Nov 2023 22:13:20 -0000").date == NOW


DATES = st.one_of(
    st.text(),
    st.from_regex(r"\w{3}, \d{1,3} (Jan|Feb|Dec) \d{1,6} \d{1,3}:\d\d:\d\d [+-]?\w{0,9}"),
    st.integers().map(str),
)


@given(
    st.integers(100, 999),
    st.binary()
    | st.recursive(st.text() | st.none(), st.lists).map(lambda x: json.dumps(x).encode()),
    DATES,
    DATES,
    st.text(),
)
def test_no_answer_is_too_hostile_to_be_read(
    status: int, body: bytes, date: str, retry_after: str, location: str
) -> None:
    answer = reply_to(status, body, date=date, retry_after=retry_after, location=location)

    assert (answer.reply is Reply.DELIVERED) == (200 <= status < 300)
    assert (answer.retry_after or 0.0) >= 0.0
    assert 0.0 <= (answer.date or 0.0) < 2.0**33
    assert len(str(answer)) < 300
    assert str(answer).isprintable()
