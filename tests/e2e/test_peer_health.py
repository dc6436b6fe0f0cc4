"""The `alertmanager` check on real Alertmanagers that fail, are reloaded, lose each other, die."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
import trio
from attrs import define, field

from checks.alertmanager import Params, run
from supervisor.api import Condition, Context, Duration, Measurement
from tests.e2e.mailing import ShippedAlertmanager, alert, cluster
from tests.e2e.servers import SmtpSink, wait_for
from tests.support.check_context import context
from tests.support.ports import free_port

LIMIT = "--alerts.per-alertname-limit"
"""A flag that Alertmanager 0.28 does not have yet."""

HELP = subprocess.run(
    ["prometheus-alertmanager", "--help"], stdout=subprocess.PIPE, text=True, check=False
).stdout
"""The flags of this host's Alertmanager."""


@define
class Watch:
    """The check, run again and again on the same peers."""

    params: Params
    given: Context = field(factory=context)
    measured: dict[str, float] = field(factory=dict)

    def look(self) -> dict[str, tuple[str, str]]:
        """Return the event type and the message of each condition, by its name."""
        seen = list(trio.run(run, self.given, self.params))
        self.measured = {item.name: item.value for item in seen if isinstance(item, Measurement)}
        return {
            item.alertname: (item.event_type, item.message)
            for item in seen
            if isinstance(item, Condition)
        }

    def until(self, event_type: str, alertname: str) -> str:
        """Look until there is such a condition; return its message."""

        def said() -> str:
            kind, message = self.look().get(alertname, ("", ""))
            return message if kind == event_type else ""

        return wait_for(said, 40, f"{alertname} is not seen")

    def until_calm(self) -> None:
        wait_for(lambda: not self.look(), 40, "it does not end")


def test_a_mail_server_that_is_down_is_noticed_until_it_is_back(tmp_path: Path) -> None:
    sink = SmtpSink()
    server = ShippedAlertmanager(tmp_path, f"127.0.0.1:{sink.port}")
    server.start()
    try:
        watch = Watch(Params((server.url,)))
        calm = watch.look()
        server.post(alert("one", "E"))
        attempts = watch.until("W", "Notifications failed")
        failed = watch.until("E", "Notifications failed")
        count = watch.measured["alertmanager_failed_notifications"]
        with sink.running():
            wait_for(lambda: sink.mails, 40, "no mail arrives")
            watch.until_calm()
    finally:
        server.stop()

    assert calm == {}
    assert attempts.startswith(f"{server.url}: ")
    assert attempts.endswith(" by email since the last run")
    assert f"{count:.0f} failed notification" in failed


@pytest.mark.skipif(LIMIT not in HELP, reason="this Alertmanager has no limit of alerts")
def test_alerts_beyond_a_limit_are_noticed(tmp_path: Path) -> None:
    server = ShippedAlertmanager(tmp_path, f"127.0.0.1:{free_port()}")
    server.flags += (f"{LIMIT}=3",)
    server.start()
    try:
        watch = Watch(Params((server.url,)))
        calm = watch.look()
        server.post(*(alert("one", "E", instance=str(number)) for number in range(5)))
        seen = watch.look()
        after = watch.look()
    finally:
        server.stop()

    said = f"{server.url} has dropped alerts since the last run: 2 beyond {LIMIT}"
    assert seen["Alerts dropped"] == ("E", said)
    assert "Alerts dropped" not in calm.keys() | after.keys()


def test_a_configuration_with_an_error_is_noticed_until_it_is_corrected(tmp_path: Path) -> None:
    server = ShippedAlertmanager(tmp_path, f"127.0.0.1:{free_port()}")
    server.start()
    config = tmp_path / "alertmanager.yml"
    try:
        watch = Watch(Params((server.url,)))
        good = config.read_text(encoding="utf-8")
        config.write_text("route: nonsense", encoding="utf-8")
        refused = httpx.post(f"{server.url}/-/reload", trust_env=False)
        wrong = watch.look()
        config.write_text(good, encoding="utf-8")
        httpx.post(f"{server.url}/-/reload", trust_env=False).raise_for_status()
        right = watch.look()
    finally:
        server.stop()
    dead = watch.look()

    assert refused.status_code == 500
    assert wrong["Alertmanager reload failed"][0] == "E"
    assert right == {}
    assert dead.keys() == {"Alertmanager not answering"}


def test_a_member_that_dies_is_missed_by_the_others_until_it_is_back(tmp_path: Path) -> None:
    peers = cluster(tmp_path, f"127.0.0.1:{free_port()}", 2)
    try:
        for peer in peers:
            peer.start()
        watch = Watch(Params((peers[0].url,), members=2))
        watch.until_calm()
        peers[1].stop()
        said = watch.until("W", "Alertmanager members missing")
        count = watch.measured["alertmanager_members"]
        peers[1].start()
        watch.until_calm()
    finally:
        for peer in peers:
            peer.stop()

    assert count == 1
    assert said.startswith(f"{peers[0].url} sees 1 of 2 members: 127.0.0.1:")


def test_a_peer_that_hangs_is_noticed_until_it_goes_on(tmp_path: Path) -> None:
    server = ShippedAlertmanager(tmp_path, f"127.0.0.1:{free_port()}")
    server.start()
    process = server._process
    assert process is not None
    try:
        watch = Watch(Params((server.url,), timeout=Duration(0.5)))
        os.kill(process.pid, signal.SIGSTOP)
        hung = watch.look()
        os.kill(process.pid, signal.SIGCONT)
        on = watch.look()
    finally:
        os.kill(process.pid, signal.SIGCONT)
        server.stop()

    said = f"{server.url}: no answer within 0.5 s"
    assert hung == {"Alertmanager not answering": ("E", said)}
    assert on == {}
