"""The service file of the chaos runs: forty scripted modules, all times short."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.check import POISON, VENOM
from tests.chaos.weather import TIMEOUT

SERVICE = "Chaos"
MODULES = 40
MIN_VISIBLE = 3.0
RESEND_INTERVAL = 2.0
REPORT_LIFETIME = 8.0

CLUSTER_MODULES = 10
CLUSTER_PERIODS = (29, 37)
"""Seconds for which a condition lasts: what ends before the first notification is not notified."""

CLUSTER_RESEND_INTERVAL = 15.0
"""Seconds: no outage of these runs is so long that an alert, sent for four of them, expires."""

CLUSTER_MIN_VISIBLE = 20.0
CLUSTER_REPORT_LIFETIME = 60.0
"""Seconds: longer than an Alertmanager needs that was just started and is the last in turn."""

HYSTERESIS = {f"m{number:02}": (2, 2) for number in (3, 4, 5)} | {"m06": (1, 3), "m07": (3, 1)}
"""`fire_after` and `clear_after` of the modules in which they are not 1."""

TIMED = {f"m{number:02}" for number in (8, 9, 10)}
"""Modules with times of the day, each of which is made up for after a kill."""

REFUSED = frozenset({"m36", "m37", "m38"})
HOPELESS = frozenset({"m39"})
"""Modules whose alerts some peers refuse at times, and all peers always."""


def write(directory: Path, urls: Sequence[str], seed: int, journal: Path, quiet: Path) -> None:
    """Write the service file."""
    listed = ", ".join(f'"{url}"' for url in urls)
    head = f"""
service = "CHAOS"
timezone = "UTC"
resend_interval = {RESEND_INTERVAL}
report_lifetime = {REPORT_LIFETIME}
heartbeat = true
[labels]
host = "chaos-host"
[alertmanager]
urls = [{listed}]
timeout = {TIMEOUT}
min_visible = {MIN_VISIBLE}
max_batch = 32
"""
    modules = (_module(f"m{number:02}", seed, journal, quiet) for number in range(MODULES))
    text = head + "".join(modules)
    (directory / f"{SERVICE}.toml").write_text(text, encoding="utf-8")


def write_for_cluster(
    directory: Path, urls: Sequence[str], seed: int, journal: Path, quiet: Path
) -> None:
    """Write the service file for real Alertmanagers: no alert comes back, and none is refused."""
    listed = ", ".join(f'"{url}"' for url in urls)
    head = f"""
service = "CHAOS"
timezone = "UTC"
resend_interval = {CLUSTER_RESEND_INTERVAL}
report_lifetime = {CLUSTER_REPORT_LIFETIME}
[labels]
host = "chaos-host"
[alertmanager]
urls = [{listed}]
timeout = 2
min_visible = {CLUSTER_MIN_VISIBLE}
"""
    modules = (
        f"""
[[modules]]
check = "tests.chaos.check"
name = "m{number:02}"
every = "1s"
[modules.params]
seed = {seed}
journal = "{journal}"
quiet = "{quiet}"
report_chance = 0.02
periods = [{", ".join(map(str, CLUSTER_PERIODS))}]
once = true
since = {time.time()}
"""
        for number in range(CLUSTER_MODULES)
    )
    text = head + "".join(modules)
    (directory / f"{SERVICE}.toml").write_text(text, encoding="utf-8")


def _module(name: str, seed: int, journal: Path, quiet: Path) -> str:
    fire_after, clear_after = HYSTERESIS.get(name, (1, 1))
    at = 'at = ["00:00-23:59"]\nevery = "2s"' if name in TIMED else 'every = "1s"'
    refused = POISON if name in REFUSED else VENOM if name in HOPELESS else ""
    # What reports is never refused: each report is promised to arrive.
    chance = 0.0 if refused else 0.05
    return f"""
[[modules]]
check = "tests.chaos.check"
name = "{name}"
{at}
fire_after = {fire_after}
clear_after = {clear_after}
[modules.params]
seed = {seed}
journal = "{journal}"
quiet = "{quiet}"
report_chance = {chance}
refused = "{refused}"
"""
