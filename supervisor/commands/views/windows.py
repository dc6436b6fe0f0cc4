"""Planned work in `status`: maintenance windows, and parameters of other times."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.text import Text

from supervisor.control.socket_client import JsonObject


def window_lines(status: JsonObject, local: Callable[[str | None], str]) -> Iterator[Text]:
    """Yield a line for each maintenance window."""
    yield from (_line(window, local) for window in status.get("maintenance", ()))


def others(module: JsonObject) -> str:
    """Return which parameters of other times a module has now; empty without any."""
    return f"; parameters of {', '.join(at)}" if (at := module.get("during")) else ""


def _line(window: JsonObject, local: Callable[[str | None], str]) -> Text:
    """Return what a window holds and until when, or when it comes next."""
    modules = ", ".join(window["modules"]) or "all modules"
    if window["holds"]:
        until = local(window["settled"])
        return Text(f"maintenance {window['name']}: holds {modules} until {until}", "cyan")
    start, end = local(window["start"]), local(window["end"])
    return Text(f"next maintenance {window['name']}: {start} to {end}, {modules}", "dim")
