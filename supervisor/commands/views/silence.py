"""What `silence` prints of the silences that the Alertmanagers have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from supervisor.config.timezone import zone_of_key
from supervisor.control.socket_client import JsonObject
from supervisor.text import printable


def made_lines(done: JsonObject) -> list[str]:
    """Return the lines about silences that were just made, and what they silence now."""
    lines = []
    for silence in done["silences"]:
        lines += silence_lines(done | {"silences": [silence]})
        if silence["alerts"]:
            lines.append(f"    silences now: {', '.join(map(printable, silence['alerts']))}")
        elif silence["alerts"] is not None:
            lines.append("    nothing fires now that it would silence")
    return lines


def silence_lines(done: JsonObject) -> list[str]:
    """Return the lines about silences: ID, end, who and why, matchers, where."""
    zone = zone_of_key(done["timezone"])

    def local(text: str) -> str:
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"

    return [line for silence in done["silences"] for line in _lines(silence, local)]


def _lines(silence: JsonObject, local: Callable[[str], str]) -> Iterator[str]:
    match silence["state"]:
        case "expired":
            when = "ended"
        case "waiting" if silence["until_resolved"]:
            when = "waits; from then on until its alert ends"
        case "waiting":
            when = f"waits; until {local(silence['ends_at'])}"
        case "pending":
            when = f"from {local(silence['starts_at'])} until {local(silence['ends_at'])}"
        case _ if silence["until_resolved"]:
            when = f"until its alert ends (extended; now until {local(silence['ends_at'])})"
        case _:
            when = f"until {local(silence['ends_at'])}"
    comment = silence["comment"]
    if silence["until_resolved"]:
        comment = comment.partition(": ")[2]  # without the mark
    why = f"by {silence['created_by']}: {comment}"
    yield printable(f"{silence['id']}  {when}, {why}")
    yield printable(f"    {', '.join(silence['matchers'])}")
    if silence["peers"]:
        yield f"    at {', '.join(silence['peers'])}"
    elif silence["state"] == "waiting":
        yield "    kept here until an Alertmanager answers; made there before anything is posted"
