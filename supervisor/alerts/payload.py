"""An alert as the JSON object that Alertmanager's API v2 takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


def encode(labels: Mapping[str, str], notes: Mapping[str, str], generator_url: str = "") -> bytes:
    """Return the alert's JSON object without its times and closing brace."""
    body: dict[str, object] = {"labels": labels, "annotations": notes}
    if generator_url:
        body["generatorURL"] = generator_url
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[:-1]


def decode(body: bytes) -> tuple[dict[str, str], dict[str, str], str]:
    """Return labels, annotations and generator URL of an encoded body."""
    alert = json.loads(body + b"}")
    return alert["labels"], alert["annotations"], alert.get("generatorURL", "")


def annotate(body: bytes, **changes: str) -> bytes:
    """Return the body with annotations set, or removed where the new value is empty."""
    labels, notes, url = decode(body)
    notes |= changes
    return encode(
        labels, {name: value for name, value in notes.items() if value or name == "message"}, url
    )


def dated(body: bytes, starts_at: float, ends_at: float) -> bytes:
    """Return the whole JSON object of one alert."""
    return body + _times(starts_at, ends_at)


@lru_cache(1024)  # the alerts of one batch share most of their times
def _times(starts_at: float, ends_at: float) -> bytes:
    return f',"startsAt":"{rfc3339(starts_at)}","endsAt":"{rfc3339(ends_at)}"}}'.encode()


@lru_cache(1024)
def rfc3339(moment: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC with milliseconds and `Z`."""
    text = datetime.fromtimestamp(round(moment, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def local_time(moment: float, timezone: ZoneInfo) -> str:
    """Return the `YYYY-MM-DD HH:MM:SS` that the mail templates show."""
    return datetime.fromtimestamp(moment, timezone).strftime("%Y-%m-%d %H:%M:%S")
