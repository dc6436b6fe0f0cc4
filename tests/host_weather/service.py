"""The service file of these runs: three scripted modules, a command, and two peers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SERVICE = "Weather"

EVERY = 0.5
"""Seconds between two runs of a scripted module."""

MODULES = ("a", "b", "c")
"""The scripted modules. All conditions are those of the first."""

STOP_GRACE = 4.0
"""Seconds within which the supervisor must end."""

TIMEOUT = 1.0
"""Seconds within which a peer must answer."""


def write(directory: Path, urls: Sequence[str], tag: str, *, secret: bool) -> None:
    """Write the service file. `tag` is an argument of all that the command starts."""
    listed = ", ".join(f'"{url}"' for url in urls)
    token = f'bearer_token = {{ file = "{directory / "secret"}" }}' if secret else ""
    head = f"""
service = "WEATHER"
timezone = "UTC"
resend_interval = 2
stop_grace = {STOP_GRACE}
[labels]
host = "weather-host"
[alertmanager]
urls = [{listed}]
timeout = {TIMEOUT}
min_visible = 1
{token}
"""
    command = f"""
[[modules]]
check = "command"
name = "leaves-a-child"
every = 2
[modules.params]
argv = ["/bin/sh", "-c", "setsid sleep $0 & sleep 0.1", "{tag}"]
protocol = "text"
"""
    modules = (
        f"""
[[modules]]
check = "tests.host_weather.check"
name = "{name}"
every = {EVERY}
[modules.params]
script = "{directory / name}.script"
journal = "{directory / name}.journal"
"""
        for name in MODULES
    )
    text = head + command + "".join(modules)
    (directory / f"{SERVICE}.toml").write_text(text, encoding="utf-8")
