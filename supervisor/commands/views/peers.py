"""What `status` prints about the Alertmanagers, and about the fallback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from rich.console import RenderableType
from rich.text import Text

from supervisor.control.fallback import in_words
from supervisor.control.socket_client import JsonObject
from supervisor.text import seconds

Local: TypeAlias = Callable[[str | None], str]
"""Shows a time in the service's zone."""

_STYLES = {"ready": "", "waiting": "yellow", "told": "yellow", "failing": "bold red"}
"""The style of each state of the fallback."""


def peer_lines(status: JsonObject, local: Local) -> Iterator[RenderableType]:
    """Yield a line for each Alertmanager, those that are not well first; then the fallback."""
    for peer in sorted(status["peers"], key=lambda peer: bool(peer["state"] == "ok")):
        yield _peer(peer, local)
    if fallback := status.get("fallback"):
        first, *channels = in_words(fallback, local)
        yield Text(first, _STYLES[fallback["state"]])
        yield from (Text(f"    {each}") for each in channels)


def _peer(peer: JsonObject, local: Local) -> RenderableType:
    is_well = peer["state"] == "ok"
    line = Text(f"Alertmanager {peer['url']}: ")
    line.append(peer["state"], "green" if is_well else "bold red")
    if peer["pending"]:
        line.append(f", {peer['pending']} pending for {seconds(peer['oldest_pending_seconds'])}")
    if peer["last_success"] and not is_well:
        line.append(f", last success {local(peer['last_success'])}")
    if abs(peer["clock_skew_seconds"]) >= 1:
        line.append(f", clock skew {peer['clock_skew_seconds']:+.0f} s")
    if peer["error"]:
        line.append(f"\n    {peer['error']}", "red")
    return line
