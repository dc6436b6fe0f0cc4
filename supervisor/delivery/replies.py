"""What a peer's answer means. Pure; see docs/reference/delivery.md."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import frozen

from supervisor.delivery.connection_errors import line

MAX_ANSWER_BYTES = 64 * 1024
"""Bytes of an answer's body that are read."""

MAX_DETAIL_BYTES = 200
"""Bytes of an answer's body that a message shows."""

WHOLE_PEER = frozenset({401, 404, 405, 407, 408, 429})
"""Statuses that are about the peer or the way to it, and never about what a batch holds."""

MAX_DATE = 2.0**33
"""Unix seconds, in the year 2242. A later date of a peer is ignored."""


class Reply(enum.Enum):
    """What to do with a batch that was posted."""

    DELIVERED = "delivered"
    """The peer has it."""

    RETRY = "retry"
    """Send it again later."""

    SPLIT = "split"
    """The peer refuses something in the batch. Split the batch."""

    MISCONFIGURED = "misconfigured"
    """Something in the configuration is wrong. Send it again later, and raise an alert."""


@frozen
class Answer:
    """A peer's answer, classified."""

    reply: Reply
    """What to do with the batch."""

    reason: str
    """The status, or the kind of error. Metrics count errors by it."""

    detail: str = ""
    """What the peer or the system says about it."""

    retry_after: float | None = None
    """For how many seconds the peer asks us to wait."""

    date: float | None = None
    """The peer's time, in Unix seconds."""

    body: bytes = b""
    """The body. Only a delivered answer has one."""

    @property
    def may_be_one_alert(self) -> bool:
        """Whether one alert of the batch, or its size, may be the cause of this failure."""
        word, _, status = self.reason.partition(" ")
        if word != "HTTP":
            return word in ("timeout", "transport")
        return int(status) >= 400 and int(status) not in WHOLE_PEER

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def classify(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """Return what an HTTP answer means.

    A 413, and a 400 or 422 with a JSON string or object, refuse something in the batch. Other 4xx
    and redirects are the fault of the configuration. Anything else passes with time. `now` is in
    Unix seconds.
    """
    date = _http_date(headers.get("date", ""))
    detail = line(body[:MAX_DETAIL_BYTES].decode(errors="replace"))
    reason = f"HTTP {status}"
    if 200 <= status < 300:
        return Answer(Reply.DELIVERED, reason, date=date, body=body)
    if status == 413 or (status in (400, 422) and _is_verdict(body)):
        return Answer(Reply.SPLIT, reason, detail, date=date)
    if status in (408, 429) or status >= 500 or status < 200:
        retry_after = _retry_after(headers.get("retry-after", ""), date or now)
        return Answer(Reply.RETRY, reason, detail, retry_after=retry_after, date=date)
    if 300 <= status < 400:
        where = line(headers.get("location", "nowhere")[:MAX_DETAIL_BYTES])
        detail = f"redirects are not followed; to {where}"
    return Answer(Reply.MISCONFIGURED, reason, detail, date=date)


def _is_verdict(body: bytes) -> bool:
    """Return whether Alertmanager itself answers, and not a proxy in front of it."""
    if len(body) == MAX_ANSWER_BYTES:  # it was cut, since many bad alerts make a long answer
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
    return seconds if 0 <= seconds < MAX_DATE else None
