"""A maintenance window: no mail in it, then exactly what is still there, with its true start."""

from __future__ import annotations

import json
import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from tests.e2e.command_line import run_supervisor
from tests.e2e.mailing import ShippedAlertmanager, text_of
from tests.e2e.servers import SmtpSink, SupervisorProcess, wait_for

WINDOW = 50.0
"""Seconds from the start of the test to the end of the window."""

SETTLE = 3.0
"""Seconds that the window settles."""

CONDITIONS = 20
"""Conditions that come in the window."""

STAY = ("flag-04", "flag-11", "flag-17")
"""Those that do not go before its end."""


@pytest.fixture
def peer(tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[ShippedAlertmanager]:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    server = ShippedAlertmanager(directory, f"127.0.0.1:{smtp_sink.port}")
    server.start()
    yield server
    server.stop()


@define
class Zone:
    """A time zone of the test's own, whose clocks show a whole minute when the window ends."""

    end: int
    """Unix seconds at which the window ends."""

    @property
    def offset(self) -> int:
        """Return by how many seconds its clocks are ahead of UTC."""
        return -self.end % 60

    def write(self, path: Path) -> None:
        """Write its file: see RFC 8536. It has one offset, and no change."""
        counts = struct.pack(">6L", 0, 0, 0, 0, 1, len(b"TEST\0"))
        path.write_bytes(
            b"TZif" + bytes(16) + counts + struct.pack(">lBB", self.offset, 0, 0) + b"TEST\0"
        )

    def shows(self, moment: float) -> str:
        """Return what the clocks show."""
        return time.strftime("%H:%M", time.gmtime(moment + self.offset))


@pytest.fixture
def zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zone:
    zones = tmp_path / "zones"
    zones.mkdir()
    monkeypatch.setenv("PYTHONTZPATH", str(zones))
    zone = Zone(int(time.time() + WINDOW))
    zone.write(zones / "Test")
    return zone


@pytest.fixture
def flags(
    tmp_path: Path,
    supervisor: SupervisorProcess,
    peer: ShippedAlertmanager,
    zone: Zone,
) -> Path:
    """Return the directory of the flags, with the service file written."""
    directory = tmp_path / "flags"
    directory.mkdir()
    supervisor.config.write_text(
        f"""
service = "TEST"
timezone = "Test"
[alertmanager]
urls = ["{peer.url}"]
min_visible = "2s"
[[maintenance]]
name = "weekly reboot"
at = ["{zone.shows(zone.end - 120)}-{zone.shows(zone.end)}"]
settle = {SETTLE}
[[modules]]
check = "tests.e2e.flags_check"
name = "flags"
every = 0.3
[modules.params]
directory = "{directory}"
""",
        encoding="utf-8",
    )
    return directory


def flagged(sink: SmtpSink) -> set[str]:
    """Return the flags that mails name."""
    return set(re.findall(r"flag-\d\d", " ".join(map(text_of, sink.mails))))


def held(supervisor: SupervisorProcess) -> dict[str, Any]:
    done = run_supervisor("status", "--json", *supervisor.options())
    alerts = json.loads(done.stdout)["alerts"] if done.returncode == 0 else []
    return {alert["instance"]: alert for alert in alerts if alert["state"] == "held"}


def test_twenty_conditions_in_a_window_are_no_mail_and_what_remains_is_one(
    supervisor: SupervisorProcess,
    peer: ShippedAlertmanager,
    smtp_sink: SmtpSink,
    flags: Path,
    zone: Zone,
) -> None:
    supervisor.start()
    for number in range(CONDITIONS):
        (flags / f"flag-{number:02}").write_text("", encoding="utf-8")
    wait_for(lambda: len(held(supervisor)) == CONDITIONS, 20, "not all are held")
    starts = {name: alert["starts_at"] for name, alert in held(supervisor).items()}

    supervisor.kill()
    supervisor.start()
    for flag in flags.iterdir():
        if flag.name not in STAY:
            flag.unlink()
    wait_for(lambda: set(held(supervisor)) == set(STAY), 20, "they are not gone")
    assert time.time() < zone.end, "the machine was too slow for the window"
    status = run_supervisor("status", *supervisor.options()).stdout
    assert "maintenance weekly reboot: holds all modules until" in status
    assert "held by weekly reboot until" in status

    while time.time() < zone.end + SETTLE - 0.5:
        assert smtp_sink.mails == []
        assert peer.alerts() == []
        time.sleep(0.2)
    wait_for(lambda: flagged(smtp_sink) == set(STAY), 20, "no mail of what remains")

    told = {alert["labels"]["instance"]: alert for alert in peer.alerts()}
    assert set(told) == set(STAY)
    for name, alert in told.items():
        assert alert["annotations"]["held"] == "weekly reboot"
        assert alert["startsAt"][:23] == starts[name][:23]
    for flag in flags.iterdir():
        flag.unlink()
    wait_for(lambda: peer.alerts() == [], 20, "the ends do not pass")
    assert flagged(smtp_sink) == set(STAY)
