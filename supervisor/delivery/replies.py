"""What a peer's answer means."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen

from supervisor.delivery.connection_errors import line

MOST_ANSWER_BYTES = 64 * 1024

LATEST_DATE = 2.0**33
"""Unix seconds, in the year 2242: a peer whose clock is later than that has none."""


class Reply(enum.Enum):
    """What to do with a batch that was posted."""

    DELIVERED = "delivered"
    RETRY = "retry"
    SPLIT = "split"
    MISCONFIGURED = "misconfigured"


@frozen
class Answer:
    """A peer's answer, classified. `retry_after` is in seconds, `date` in Unix seconds."""

    reply: Reply
    reason: str
    detail: str = ""
    retry_after: float | None = None
    date: float | None = None
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def classify(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """Read an HTTP answer as the contract does.

    A 400 with a JSON string or object, a 422 and a 413 are the fault of something in the
    batch; other 4xx and redirects are the fault of the configuration; the rest passes.
    """
    date = _http_date(headers.get("date", ""))
    detail = line(body[:200].decode(errors="replace"))
    reason = f"HTTP {status}"
    if 200 <= status < 300:
        return Answer(Reply.DELIVERED, reason, date=date, body=body)
    if status == 413 or (status in (400, 422) and _is_verdict(body)):
        return Answer(Reply.SPLIT, reason, detail, date=date)
    if status in (408, 429) or status >= 500 or status < 200:
        retry_after = _retry_after(headers.get("retry-after", ""), date or now)
        return Answer(Reply.RETRY, reason, detail, retry_after=retry_after, date=date)
    if 300 <= status < 400:
        where = line(headers.get("location", "nowhere")[:200])
        detail = f"redirects are not followed; to {where}"
    return Answer(Reply.MISCONFIGURED, reason, detail, date=date)


def _is_verdict(body: bytes) -> bool:
    """Tell Alertmanager's own answer from that of a proxy in front of it."""
    if len(body) == MOST_ANSWER_BYTES:  # cut: a batch of bad alerts makes a long answer
        return body.lstrip()[:1] in (b'"', b"{")
    try:
        return isinstance(json.loads(body), str | dict)
    except (ValueError, RecursionError):
        return False


def _retry_after(value: str, now: float) -> float | None:
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    date = _http_date(value)
    return None if date is None else max(0.0, date - now)


def _http_date(value: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(value)
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < LATEST_DATE else None
