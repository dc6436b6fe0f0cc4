"""What each Alertmanager does with an alert, as JSON and in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from supervisor.control.socket_client import JsonObject
from supervisor.text import rfc3339

if TYPE_CHECKING:
    from supervisor.delivery.silences.silence import Silence
    from supervisor.delivery.silences.standings import Standing


def at_peer(url: str, known: tuple[Standing, Sequence[Silence]] | None) -> JsonObject:
    """Return what a peer does with an alert. None: it is not known."""
    if known is None:
        return {"url": url, "state": "unknown", "silences": [], "inhibited_by": []}
    standing, silences = known
    return {
        "url": url,
        "state": standing.state,
        "silences": [
            {
                "id": silence.id,
                "created_by": silence.created_by,
                "comment": silence.comment,
                "ends_at": rfc3339(silence.ends_at),
                "until_resolved": silence.is_until_resolved,
            }
            for silence in sorted(silences, key=lambda silence: -silence.ends_at)
        ],
        "inhibited_by": [*standing.inhibited_by],
    }


def in_words(alert: JsonObject, local: Callable[[str], str]) -> list[str]:
    """Return why peers do not mail an alert. `local` words a time. Nothing is said if they do."""
    places: dict[str, list[str]] = {}
    for peer in alert.get("at_peers", ()):  # an older supervisor does not tell
        if peer["state"] == "unknown":
            continue
        is_delivered = alert["peers"].get(peer["url"]) == "delivered"
        phrase = _phrase(peer, local, is_delivered=is_delivered)
        places.setdefault(phrase, []).append(urlsplit(peer["url"]).netloc or peer["url"])
    if len(places) == 1:
        return [phrase for phrase in places if phrase]
    return [f"at {', '.join(urls)}: {phrase}" for phrase, urls in places.items() if phrase]


def _phrase(peer: JsonObject, local: Callable[[str], str], *, is_delivered: bool) -> str:
    match peer["state"]:
        case "silenced":
            return _silenced(peer["silences"], local)
        case "inhibited":
            return f"held back by {', '.join(dict.fromkeys(peer['inhibited_by']))}"
        case "muted":
            return "muted by a time interval"
        case "missing" if is_delivered:
            return "taken, but not listed there"
        case _:
            return ""


def _silenced(silences: Sequence[JsonObject], local: Callable[[str], str]) -> str:
    if not silences:
        return "silenced"
    last = silences[0]
    until = "it is over" if last["until_resolved"] else local(last["ends_at"])
    comment = last["comment"].partition(": ")[2] if last["until_resolved"] else last["comment"]
    others = f", and {len(silences) - 1} more" if len(silences) > 1 else ""
    return f"silenced until {until} by {last['created_by']}: {comment}{others}"
