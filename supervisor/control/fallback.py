"""The fallback, as the status document has it, and in words for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from supervisor.control.socket_client import JsonObject
from supervisor.text import rfc3339

if TYPE_CHECKING:
    from supervisor.delivery.fallback.last_resort import LastResort


def state_of(last_resort: LastResort) -> JsonObject:
    """Return the key `fallback` of `status --json`."""
    record, due = last_resort.record, last_resort.due()
    return {
        "state": _word(last_resort),
        "since": _moment(record.since),
        "channels": [
            {
                "channel": name,
                "target": target,
                "due": _moment(due.get(name)),
                "last_digest": _moment(record.of(name).sent_at),
                "sent": last_resort.tally.sent[name],
                "failed": last_resort.tally.failed[name],
                "error": last_resort.tally.errors.get(name, ""),
            }
            for name, target in last_resort.targets.items()
        ],
    }


def in_words(fallback: JsonObject, local: Callable[[str | None], str]) -> Iterator[str]:
    """Yield a line on the fallback, and one for each of its channels. `local` shows a time."""
    words = {
        "ready": "ready",
        "waiting": "waits to tell that no Alertmanager answers",
        "told": "has told that no Alertmanager answers",
        "failing": "cannot tell it",
    }
    since = f", since {local(fallback['since'])}" if fallback["since"] else ""
    yield f"Fallback: {words[fallback['state']]}{since}"
    for channel in fallback["channels"]:
        parts = [f"{channel['channel']}: {channel['target']}"]
        if channel["last_digest"]:
            parts.append(f"last told {local(channel['last_digest'])}")
        if channel["due"]:
            parts.append(f"due {local(channel['due'])}")
        if channel["error"]:
            parts.append(channel["error"])
        yield ", ".join(parts)


def _word(last_resort: LastResort) -> Literal["ready", "waiting", "told", "failing"]:
    told = [last_resort.record.of(name) for name in last_resort.targets]
    errors = (last_resort.tally.errors.get(name) for name in last_resort.targets)
    if any(each.attempt and error for each, error in zip(told, errors, strict=True)):
        return "failing"
    if last_resort.record.since is None:
        return "ready"
    return "told" if any(each.knows for each in told) else "waiting"


def _moment(at: float | None) -> str | None:
    return None if at is None or at == math.inf else rfc3339(at)
