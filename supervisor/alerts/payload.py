"""An alert as the JSON object that Alertmanager's API v2 takes. Pure.

The times change with each post, and the rest does not. So the rest is encoded once. It is kept
in this form, also in the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.text import rfc3339

CACHED_TIMES = 1024
"""Entries of each cache of formatted times. The alerts of one batch share most of their times."""


@frozen(weakref_slot=False)  # there is one for each alert
class Payload:
    """The JSON object of one alert without its times."""

    encoded: bytes
    """The object as UTF-8, without the closing brace. `at` appends the times.

    The ledger stores it in this form.
    """

    @classmethod
    def of(
        cls, labels: Mapping[str, str], annotations: Mapping[str, str], generator_url: str = ""
    ) -> Self:
        """Return the payload of these labels and annotations."""
        alert: dict[str, object] = {"labels": labels, "annotations": annotations}
        if generator_url:
            alert["generatorURL"] = generator_url
        return cls(json.dumps(alert, ensure_ascii=False, separators=(",", ":")).encode()[:-1])

    @property
    def labels(self) -> dict[str, str]:
        """The alert's labels."""
        labels: dict[str, str] = self._decoded()["labels"]
        return labels

    @property
    def annotations(self) -> dict[str, str]:
        """The alert's annotations."""
        annotations: dict[str, str] = self._decoded()["annotations"]
        return annotations

    def has_annotation(self, name: str) -> bool:
        """Return whether the alert has an annotation. This is fast when it has not."""
        return f'"{name}":'.encode() in self.encoded and name in self.annotations

    def annotate(self, **changes: str) -> Self:
        """Return the payload with these annotations set. An empty value removes one."""
        alert = self._decoded()
        annotations = {
            name: value
            for name, value in (alert["annotations"] | changes).items()
            if value or name == "message"
        }
        return self.of(alert["labels"], annotations, alert.get("generatorURL", ""))

    def at(self, starts_at: float, ends_at: float) -> bytes:
        """Return the whole JSON object, with these times in Unix seconds."""
        return self.encoded + _times(starts_at, ends_at)

    def __len__(self) -> int:
        """Return the bytes that the payload takes in the ledger."""
        return len(self.encoded)

    def _decoded(self) -> dict[str, Any]:
        alert: dict[str, Any] = json.loads(self.encoded + b"}")
        return alert


@lru_cache(CACHED_TIMES)
def _times(starts_at: float, ends_at: float) -> bytes:
    return f',"startsAt":"{rfc3339(starts_at)}","endsAt":"{rfc3339(ends_at)}"}}'.encode()


def local_time(moment: float, timezone: ZoneInfo) -> str:
    """Return the `YYYY-MM-DD HH:MM:SS` that the mail templates show."""
    return datetime.fromtimestamp(moment, timezone).strftime("%Y-%m-%d %H:%M:%S")
