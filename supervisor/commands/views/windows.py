"""A maintenance window in one line of `status`."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from supervisor.control.socket_client import JsonObject


def window_line(window: JsonObject, local: Callable[[str | None], str]) -> Text:
    """Return what a window holds and until when, or when it comes next."""
    modules = ", ".join(window["modules"]) or "all modules"
    if window["holds"]:
        until = local(window["settled"])
        return Text(f"maintenance {window['name']}: holds {modules} until {until}", "cyan")
    start, end = local(window["start"]), local(window["end"])
    return Text(f"next maintenance {window['name']}: {start} to {end}, {modules}", "dim")
